import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Trial } from '../wire-tools.ts'
import { program } from './network.ts'

/** A gateway in namespaces of its own, with a Sallyport of its own. */
export const gateway: Trial = async (unshare) => {
  const command = ['-n', '-m', process.execPath, '--disable-warning=ExperimentalWarning', program('scenario.ts')]
  const child = spawn(unshare, command, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 300_000 })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const [status] = (await once(child, 'close')) as [number | null]
  return status === 0 ? undefined : said.slice(-3_000)
}
