/** The candidate that `word` was probably meant to be: at most two typing errors away, or one is the beginning of the other. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const wanted = word.toLowerCase()
  let best: string | undefined
  let bestScore = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    const score = scoreOf(wanted, candidate.toLowerCase())
    if (score < bestScore) {
      best = candidate
      bestScore = score
    }
  }
  return best
}

function scoreOf(wanted: string, candidate: string): number {
  const errors = distance(wanted, candidate)
  // In a short word two errors leave nothing of it.
  if (errors <= 2 && errors < Math.max(wanted.length, candidate.length) - 1) return errors
  const [short, long] = wanted.length < candidate.length ? [wanted, candidate] : [candidate, wanted]
  return short.length >= 3 && long.startsWith(short) ? 3 : Number.POSITIVE_INFINITY
}

/** Insertions, deletions, replacements and swaps of neighbours from `a` to `b`; three when it is more than two. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3
  let older: number[] = []
  let old = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = (old[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      let cost = Math.min(replace, (old[j] as number) + 1, (row[j - 1] as number) + 1)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) cost = Math.min(cost, (older[j - 2] as number) + 1)
      row.push(cost)
    }
    older = old
    old = row
  }
  return Math.min(old[b.length] as number, 3)
}
