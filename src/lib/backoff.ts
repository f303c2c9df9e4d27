/** Between which times to wait, in milliseconds. */
export type Backoff = { readonly firstMs: number; readonly mostMs: number }

/**
 * How long to wait after so many failures in a row (1 or more), in milliseconds: twice as long each time, up to the most, and of that a
 * random part between half and all, so that those who failed together do not come back together. `random` is in [0, 1).
 */
export function backoffMs(failures: number, { firstMs, mostMs }: Backoff, random: () => number): number {
  const whole = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 30))
  return Math.round(whole * (0.5 + random() / 2))
}
