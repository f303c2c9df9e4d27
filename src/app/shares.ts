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
