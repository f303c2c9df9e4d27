import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Trial } from '../wire-tools.ts'

/** A laptop in a network namespace, whose programs know nothing of a proxy, and whose agent, doors and nft are killed. */
export const agent: Trial = async (unshare) => {
  const child = spawn(unshare, ['-n', process.execPath, join(import.meta.dirname, 'scenario.ts')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 600_000,
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const [status] = (await once(child, 'close')) as [number | null]
  return status === 0 ? undefined : said.slice(-1_500)
}
