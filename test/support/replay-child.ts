import { replayGuard } from '../../src/access/replay-guard.ts'

/**
 * Spends tokens in one folder: `dir`, the first number, how many, and how many at a time. Sends the numbers that were new, batch by batch, so that
 * what a kill -9 leaves is known.
 */
const [dir = '', first = '0', count = '0', atOnce = '1'] = process.argv.slice(2)
const guard = replayGuard({ dir, now: () => Date.now() })
const life = { from: Date.now() - 30_000, until: Date.now() + 3_600_000 }

for (let i = 0; i < Number(count); i += Number(atOnce)) {
  const numbers = Array.from({ length: Math.min(Number(atOnce), Number(count) - i) }, (_, n) => Number(first) + i + n)
  const spent = await Promise.all(numbers.map((n) => guard.spend({ device: 'laptop-7', jti: String(n), ...life })))
  process.send?.(numbers.map((n, at) => [n, spent[at]]))
}
guard.close()
process.disconnect?.()
