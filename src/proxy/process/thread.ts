import { parentPort } from 'node:worker_threads'
import { lookup } from './lookup.ts'
import type { Told } from './finder.ts'
import type { Ends } from './socket-table.ts'

const { programs, restsUntil } = lookup({ now: () => performance.now(), worked })

/** By this thread, in milliseconds. */
function worked(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

parentPort?.on('message', (asked: readonly Ends[]) => {
  const found = programs(asked)
  parentPort?.postMessage({ programs: found, restMs: Math.max(0, restsUntil() - performance.now()) } satisfies Told)
})
