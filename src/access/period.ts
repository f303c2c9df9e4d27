/** `45m`, `12h`, `30d` in milliseconds; undefined for anything else. */
export function periodMs(text: string): number | undefined {
  const match = /^(\d{1,6})([smhd])$/.exec(text)
  return match === null ? undefined : Number(match[1]) * unitMs[match[2] as keyof typeof unitMs]
}

/** A period from `now`, or a date or time (ISO 8601, UTC unless it says otherwise), as ISO 8601 with milliseconds; undefined for anything else. */
export function timeFrom(text: string, now: number): string | undefined {
  const period = periodMs(text)
  if (period !== undefined) return iso(now + period)
  const day = text.slice(0, 10)
  if (!/^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?)?$/.test(text)) return undefined
  // Date.parse takes 30 February for 2 March.
  if (iso(Date.parse(day))?.slice(0, 10) !== day) return undefined
  return iso(Date.parse(text.includes('T') && !/(?:Z|[+-]\d\d:\d\d)$/.test(text) ? `${text}Z` : text))
}

// Times are compared as texts: years of four digits only.
function iso(time: number): string | undefined {
  const date = new Date(time)
  const year = date.getUTCFullYear()
  return Number.isNaN(time) || year < 0 || year > 9_999 ? undefined : date.toISOString()
}

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
