import { readFileSync } from 'node:fs'

/** The processes of a `serve` whose command has this id: the one that steers, and its workers, none where it serves itself. Linux. */
export function processesOf(command: number): { readonly parent: number; readonly workers: number[] } {
  const direct = childrenOf(command)
  const [only] = direct
  // Behind the wrapper that starts the pinned Node there is one more step.
  if (direct.length === 1 && only !== undefined && !isWorker(only)) return { parent: only, workers: childrenOf(only) }
  return { parent: command, workers: direct }
}

/** Whether the process still runs; one that has ended and waits for its parent to hear does not. */
export function runs(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
}

function isWorker(pid: number): boolean {
  return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes('SALLYPORT_WORKER=1')
}
