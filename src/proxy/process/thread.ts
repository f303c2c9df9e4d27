import { parentPort } from 'node:worker_threads'
import { lookup } from './lookup.ts'
import type { Ends } from './socket-table.ts'

/** In the order of what was asked. `restMs`: how long to wait before more is asked. */
export type Told = { readonly programs: readonly (string | null)[]; readonly restMs: number }

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
