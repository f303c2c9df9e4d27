import { existsSync } from 'node:fs'
import { createSink } from '../../audit/export/settings.ts'
import { sinkStates } from '../../audit/export/states.ts'
import { sinks } from '../../audit/sinks/index.ts'
import { databasePath, openStoreForReading } from '../../store/open.ts'
import type { Finding, SetUp } from './check.ts'

/** Whether each sink can be made of its settings, and whether one fails, is late, or has dead letters. Sends nothing. */
export async function sinksDeliver({ config }: SetUp): Promise<Finding> {
  const configured = config.audit.export
  if (configured.length === 0) return { status: 'ok', message: 'none is configured' }
  for (const settings of configured) {
    await createSink(sinks, settings, { hostname: 'doctor', version: '0', now: Date.now }).close()
  }
  if (!existsSync(databasePath(config.data.dir))) return { status: 'ok', message: `${configured.length} configured` }
  const problems = problemsIn(config.data.dir, configured)
  if (problems.length === 0) return { status: 'ok', message: `${configured.length} configured, none is behind` }
  const hint = '`sallyport audit export --status` has more, `--test NAME` tries one'
  return { status: 'warn', message: problems.join('; '), hint }
}

function problemsIn(dir: string, configured: SetUp['config']['audit']['export']): string[] {
  const db = openStoreForReading({ dir })
  try {
    return sinkStates(db, configured, Date.now()).flatMap(
      ({ name, state, error, lag_seconds: late, dead_letters: dead }) => [
        ...(state === 'failing' ? [`${name} fails: ${error ?? 'unknown'}`] : []),
        ...(state === 'delivering' && late > LATE_SECONDS ? [`${name} is ${late} s behind`] : []),
        ...(dead > 0 ? [`${name} has ${dead} dead letters`] : []),
      ],
    )
  } finally {
    db.close()
  }
}

const LATE_SECONDS = 300
