import { readFileSync } from 'node:fs'

/** Whether the memory of another process can be read here. */
export const canMeasure = process.platform === 'linux'

/** Resident memory of a process, MB. */
export function residentMb(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) / 1_024
}

/** By how much it grows at most, MB, while something goes on. */
export async function growth(pid: number, during: () => Promise<unknown>): Promise<number> {
  const before = residentMb(pid)
  let most = before
  const look = setInterval(() => (most = Math.max(most, residentMb(pid))), 50)
  try {
    await during()
    return Math.max(most, residentMb(pid)) - before
  } finally {
    clearInterval(look)
  }
}
