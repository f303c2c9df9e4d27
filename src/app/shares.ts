/**
 * How many connections each of several processes may hold: what it has, and an equal part of what is free. Together never more than `limit`, and
 * one that the system hands more of them than others is not the first to refuse.
 */
export function shares(limit: number, held: readonly number[]): number[] {
  const free = Math.max(0, limit - held.reduce((sum, count) => sum + count, 0))
  const part = Math.floor(free / held.length)
  const over = free % held.length
  return held.map((count, i) => count + part + (i < over ? 1 : 0))
}

/** What a process has said: its connections, and how many it may hold as far as it knows. `told`: a new number that it has not confirmed. */
export type Holder = { readonly open: number; readonly share: number; readonly told: number | undefined }

/**
 * New shares for those who are to be told one now; undefined for the others. One gets more only when those who get less have confirmed it:
 * however late messages come, together they never hold more than `limit`.
 */
export function newShares(limit: number, holders: readonly Holder[]): (number | undefined)[] {
  const most = holders.map(({ open, share, told }) => Math.max(open, share, told ?? 0))
  const wanted = shares(
    limit,
    holders.map(({ open }) => open),
  )
  let left = limit - most.reduce((sum, count) => sum + count, 0)
  return holders.map(({ share, told }, i) => {
    const has = most[i] as number
    const next = Math.min(wanted[i] as number, has + Math.max(0, left))
    if (told !== undefined || next === share) return undefined
    left -= Math.max(0, next - has)
    return next
  })
}
