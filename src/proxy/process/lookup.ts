import { closeSync, openSync, readSync } from 'node:fs'
import { endianness } from 'node:os'
import { holdersOf, stillHolds } from './holders.ts'
import type { Holder } from './holders.ts'
import { programOf } from './program.ts'
import { socketSearch } from './socket-table.ts'
import type { Ends } from './socket-table.ts'

/** Which programs of this machine opened connections; synchronous, for a thread of its own. */
export type Lookup = {
  /** The program behind each, in order; null where the system does not tell. */
  readonly programs: (asked: readonly Ends[]) => (string | null)[]
  /** When the next look should be at the earliest, by `now`. */
  readonly restsUntil: () => number
}

/**
 * `now` is performance.now(), or the like, and `worked` what this thread has taken of the processor, in milliseconds; `proc` where processes are
 * shown. In the long run looking takes a fiftieth of a core, after a rest more for a moment. Processes that were found lately are tried first.
 */
export function lookup(options: {
  readonly now: () => number
  readonly worked: () => number
  readonly proc?: string
}): Lookup {
  const { now, worked, proc = '/proc' } = options
  let recent: readonly string[] = []
  let credit = maxCreditMs
  let counted = now()
  let paid = worked()
  const credited = (): number => {
    const since = counted
    counted = now()
    return (credit = Math.min(maxCreditMs, credit + share * (counted - since)))
  }
  const holders = (inodes: ReadonlySet<string>): Map<string, Holder> => {
    const all = credit > wideCreditMs
    const found = holdersOf(inodes, { first: recent, all, maxMs: maxWalkMs }, { proc, worked })
    recent = [...new Set([...found.values()].map(({ pid }) => pid).concat(recent))].slice(0, maxRecent)
    return found
  }
  return {
    programs(asked) {
      credited()
      const sockets = inodesOf(asked, proc, worked)
      const inodes = new Set(sockets.filter((inode) => inode !== undefined))
      const found = inodes.size === 0 ? new Map<string, Holder>() : holders(inodes)
      const names = new Map([...found].map(([inode, holder]) => [inode, nameOf(inode, holder, proc)]))
      // What it took to hear and to tell counts, too.
      const all = worked()
      credit -= all - paid
      paid = all
      return sockets.map((inode) => names.get(inode ?? '') ?? null)
    },
    restsUntil: () => (credited() >= 0 ? counted : counted - credit / share),
  }
}

/** A number of a process may be another's by the time it is looked at. */
function nameOf(inode: string, holder: Holder, proc: string): string | undefined {
  const name = programOf(holder.pid, proc)
  return stillHolds(holder, inode, proc) ? name : undefined
}

function inodesOf(asked: readonly Ends[], proc: string, worked: () => number): (string | undefined)[] {
  const search = socketSearch(asked, endianness() === 'LE')
  const end = worked() + maxReadMs
  for (const table of ['tcp', 'tcp6']) {
    read(`${proc}/net/${table}`, search.push, () => worked() > end)
    search.end()
    // An IPv6 client is not in the first; a connection whose row is found needs no more.
    if (search.inodes().every((inode) => inode !== undefined)) break
  }
  return search.inodes()
}

function read(path: string, push: (text: string) => void, enough: () => boolean): void {
  let file: number | undefined
  try {
    file = openSync(path, 'r')
    const buffer = Buffer.alloc(pieceBytes)
    for (let length = -1; length !== 0 && !enough();) {
      length = readSync(file, buffer)
      push(buffer.toString('latin1', 0, length))
    }
  } catch {
    // A system without IPv6 has no table of it; without any, nothing is found.
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

const share = 0.02
const maxCreditMs = 50
/** To look at all processes takes more: only when there is plenty. */
const wideCreditMs = 25
const maxRecent = 32
const maxReadMs = 100
const maxWalkMs = 200
const pieceBytes = 65_536
