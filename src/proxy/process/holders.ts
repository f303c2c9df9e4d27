import { readdirSync, readlinkSync } from 'node:fs'

/** A process, and the open file through which it holds a socket. */
export type Holder = { readonly pid: string; readonly file: string }

export type HolderSearch = {
  /** Where processes are shown: `/proc`. */
  readonly proc: string
  /** What this thread has taken of the processor, in milliseconds. */
  readonly worked: () => number
}

/**
 * The process that holds each of these sockets, by inode. `first` are looked at before all others, then those that started last: a client that
 * has just connected is often new. What is not found when `maxMs` have been worked, or is held by those whom we may not look into, is left out.
 */
export function holdersOf(
  inodes: ReadonlySet<string>,
  { first, all, maxMs }: { readonly first: readonly string[]; readonly all: boolean; readonly maxMs: number },
  { proc, worked }: HolderSearch,
): Map<string, Holder> {
  const end = worked() + maxMs
  const links = new Map([...inodes].map((inode) => [`socket:[${inode}]`, inode]))
  const found = new Map<string, Holder>()
  for (const pid of candidates(proc, first, all)) {
    for (const file of filesOf(proc, pid)) {
      const inode = links.get(linkOf(proc, pid, file))
      if (inode !== undefined && !found.has(inode)) found.set(inode, { pid, file })
      if (found.size === inodes.size || worked() > end) return found
    }
  }
  return found
}

/** Whether the process still holds it. */
export function stillHolds({ pid, file }: Holder, inode: string, proc: string): boolean {
  return linkOf(proc, pid, file) === `socket:[${inode}]`
}

function* candidates(proc: string, first: readonly string[], all: boolean): Generator<string> {
  yield* first
  const pids = entries(proc).filter((name) => /^[1-9]\d*$/.test(name))
  const newest = pids.toSorted((a, b) => Number(b) - Number(a))
  for (const pid of all ? newest : newest.slice(0, few)) if (!first.includes(pid)) yield pid
}

/** The last first: a new socket is rarely the first file of a process. */
function filesOf(proc: string, pid: string): string[] {
  return entries(`${proc}/${pid}/fd`).toReversed()
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function linkOf(proc: string, pid: string, file: string): string {
  try {
    return readlinkSync(`${proc}/${pid}/fd/${file}`)
  } catch {
    return ''
  }
}

const few = 32
