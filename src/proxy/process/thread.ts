import { parentPort } from 'node:worker_threads'
import { lookup } from './lookup.ts'
import type { Ends } from './socket-table.ts'

export type Asked = { readonly id: number; readonly ends: Ends }
export type Told = { readonly id: number; readonly program: string | null }

const { programs, restsUntil } = lookup({ now: () => performance.now(), worked })
const port = parentPort
let waiting: Asked[] = []

/** All that came while it rested, at once. */
function look(): void {
  const batch = waiting
  waiting = []
  const found = programs(batch.map(({ ends }) => ends))
  const told: Told[] = batch.map(({ id }, i) => ({ id, program: found[i] ?? null }))
  port?.postMessage(told)
}

/** By this thread, in milliseconds. */
function worked(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

port?.on('message', (asked: Asked) => {
  waiting.push(asked)
  if (waiting.length === 1) setTimeout(look, Math.max(0, restsUntil() - performance.now()))
})
