// Sallyport without console and parent, as `serve` runs it with one worker: `ours-in-process.ts FILE [off]`. `off`: nothing is recorded.
import { prepare } from '../../../src/app/prepare.ts'
import { openRecorder } from '../../../src/app/rooms.ts'
import { startInstance } from '../../../src/app/instance.ts'
import type { Recorder } from '../../../src/audit/recorder.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { silentLog } from '../../../src/lib/log.ts'

const [file, ledger] = process.argv.slice(2)
const config = loadConfig({ file, env: process.env, cwd: process.cwd() })
await prepare(config, silentLog())
const instance = await startInstance(config, silentLog(), 1, {
  recorderFor: ledger === 'off' ? nothing : openRecorder,
})
process.send?.({ port: instance.proxy[0]?.port })
process.on('SIGTERM', () => void instance.stop(100).then(() => process.exit(0)))
process.on('disconnect', () => process.exit(0))

function nothing(): Recorder {
  return {
    owner: 0,
    open: async () => {},
    done: () => {},
    once: () => {},
    connection: () => {},
    event: () => {},
    pressure: () => undefined,
    forwarded: () => {},
    available: () => true,
    problem: () => undefined,
    flush: async () => {},
    close: async () => {},
    stats: () => ({
      queued: 0,
      queuedBytes: 0,
      commits: 0,
      rows: 0,
      refused: 0,
      turnedAway: 0,
      forwarded: 0,
      lastCommitMs: 0,
    }),
  }
}
