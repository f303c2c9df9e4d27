/** At most `max` in any stretch of `windowMs` milliseconds. */
export type Limit = { readonly max: number; readonly windowMs: number }

/** How many were admitted in one slice of time. */
export type Slice = { readonly slice: number; readonly count: number }

export type Admission = { readonly admitted: true } | { readonly admitted: false; readonly retryAfterMs: number }

/** The number of the slice of time that holds `now`. A window has 120 slices, which is how finely what was admitted is remembered. */
export function sliceAt(now: number, windowMs: number): number {
  return Math.floor(now / sliceMs(windowMs))
}

/** The first slice that still counts. The one in which the window began counts whole, so that there is never one too many. */
export function firstSlice(now: number, windowMs: number): number {
  return sliceAt(now - windowMs, windowMs)
}

/** Whether one more may be admitted. `slices` are those from `firstSlice` on, in order. */
export function weigh(slices: readonly Slice[], { max, windowMs }: Limit, now: number): Admission {
  let taken = 0
  for (const { count } of slices) taken += count
  if (taken < max) return { admitted: true }
  for (const { slice, count } of slices) {
    taken -= count
    if (taken < max) return { admitted: false, retryAfterMs: waitFor(slice, windowMs, now) }
  }
  return { admitted: false, retryAfterMs: windowMs }
}

/** Until the slice has left the window; never longer than the window, also when the clock was put back. */
function waitFor(slice: number, windowMs: number, now: number): number {
  const leaves = (slice + 1) * sliceMs(windowMs) + windowMs
  return Math.max(1, Math.min(leaves - now, windowMs + sliceMs(windowMs)))
}

const sliceMs = (windowMs: number): number => Math.max(1, Math.ceil(windowMs / SLICES))
const SLICES = 120
