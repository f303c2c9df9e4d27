import { readdirSync, readFileSync } from 'node:fs'

export type ProcessCost = { readonly cpuMs: number; readonly rssBytes: number }

/** CPU so far and memory now of a process and all below it. Linux only; zeros elsewhere. */
export function processCost(pid: number): ProcessCost {
  let cpuMs = 0
  let rssBytes = 0
  for (const one of family(pid)) {
    try {
      cpuMs += cpuOf(one)
      rssBytes += Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${one}/status`, 'utf8'))?.[1] ?? 0) * 1_024
    } catch (cause) {
      if (!gone(cause)) throw cause
    }
  }
  return { cpuMs, rssBytes }
}

// Nanoseconds on the CPU of each thread, where the kernel tells them: the clock ticks of `stat` are 10 ms.
function cpuOf(pid: number): number {
  let nanoseconds = 0
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0])
    } catch (cause) {
      if (!gone(cause)) throw cause
    }
  }
  if (nanoseconds > 0) return nanoseconds / 1e6
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}

function family(pid: number): number[] {
  const children = new Map<number, number[]>()
  for (const entry of process.platform === 'linux' ? readdirSync('/proc') : []) {
    if (!/^\d+$/.test(entry)) continue
    const parent = parentOf(entry)
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(entry)])
  }
  const all = children.size > 0 ? [pid] : []
  for (let i = 0; i < all.length; i++) all.push(...(children.get(all[i] as number) ?? []))
  return all
}

function parentOf(pid: string): number | undefined {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[1])
  } catch (cause) {
    if (gone(cause)) return undefined
    throw cause
  }
}

function gone(cause: unknown): boolean {
  return ['ENOENT', 'ESRCH'].includes((cause as NodeJS.ErrnoException).code ?? '')
}
