import { setTimeout as delay } from 'node:timers/promises'
import { replayGuard } from '../../src/access/replay-guard.ts'
import { fill } from './small-disk.ts'

/** Spends tokens in a folder that is a small disk, while it has room, while it has none, and when it has room again. Prints what became of each. */
const [dir = ''] = process.argv.slice(2)
const guard = replayGuard({ dir, now: Date.now })
const life = { from: Date.now() - 30_000, until: Date.now() + 3_600_000 }
const spend = (first: number, count: number): Promise<string[]> =>
  Promise.all(
    Array.from({ length: count }, (_, i) => guard.spend({ device: 'laptop-7', jti: String(first + i), ...life })),
  )
const kinds = (spent: readonly string[]): string[] => [...new Set(spent)].toSorted()

const before = await spend(0, 100)
const empty = fill(dir)
// Those that still fit into what the files have are new; then there is no room.
const during = await spend(1_000, 9_000)
empty()
await delay(1_100)
const again = await spend(0, 100)
const taken = during.flatMap((spent, i) => (spent === 'new' ? [i] : []))
const repeated = await Promise.all(taken.map(async (i) => (await spend(1_000 + i, 1))[0] as string))
const after = await spend(100_000, 100)
console.log(
  JSON.stringify({
    before: kinds(before),
    during: kinds(during),
    again: kinds(again),
    repeated: kinds(repeated),
    after: kinds(after),
  }),
)
guard.close()
