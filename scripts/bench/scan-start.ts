import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { passesOver } from '../../src/detect/index.ts'
import { median } from './report.ts'
import { allPacksOn } from './scan-subjects.ts'

type Start = { readonly ms: number; readonly bytes: number }

/** What a new process takes to be able to look at texts with all packs. */
export async function measureStart(rounds: number): Promise<{ 'start ms': number; 'start MB': number }> {
  const starts: Start[] = []
  for (let round = 0; round < rounds; round++) {
    const child = fork(fileURLToPath(import.meta.url), {
      execArgv: ['--expose-gc', '--disable-warning=ExperimentalWarning'],
    })
    const [start] = (await once(child, 'message')) as [Start]
    starts.push(start)
  }
  return { 'start ms': median(starts.map(({ ms }) => ms)), 'start MB': median(starts.map(({ bytes }) => bytes / 1e6)) }
}

function startOnce(): Start {
  const held = () => {
    globalThis.gc?.()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  const bytes = held()
  const before = process.cpuUsage()
  const { bindings } = allPacksOn()
  const sets = bindings.flatMap(({ hook }) => (hook.kind === 'detector' ? [hook.rules] : []))
  for (const pass of passesOver(sets)) pass.read('a text: with 1 word').advance(Infinity)
  const { user, system } = process.cpuUsage(before)
  return { ms: (user + system) / 1_000, bytes: bindings.length === 0 ? 0 : held() - bytes }
}

if (import.meta.main) {
  process.send?.(startOnce())
  process.disconnect?.()
}
