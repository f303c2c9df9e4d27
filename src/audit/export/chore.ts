import { readFileSync } from 'node:fs'
import type { Chore, ChoreContext } from '../keeper/chores.ts'
import { exportChore } from './export.ts'
import type { SinkSettings } from './settings.ts'
import { contentReader } from '../bodies/read-content.ts'
import { sinks as types } from '../sinks/index.ts'

/** The export as a chore of the keeper. */
export function exportOf(context: ChoreContext): Chore {
  const { dir, sinks, keys = [] } = context.settings
  return exportChore({
    ...context,
    // The configuration's schema has checked them.
    sinks: sinks as readonly SinkSettings[],
    types,
    contents: contentReader({ dir, keys }),
    version: programVersion(),
  })
}

/** The version that receivers are told. */
export function programVersion(): string {
  const file = new URL('../../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
