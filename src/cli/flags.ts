import { parseWhen } from '../audit/find/filter.ts'
import { UsageError } from './command.ts'
import { jsonLine } from './output.ts'

/** The value of a flag that is a count. Throws UsageError for anything else. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`${jsonLine(text)} is not a whole number`)
  return Number(text)
}

/** The value of the flag `--NAME` that is a time, as ISO 8601; undefined when it was not given. Throws UsageError when it is none. */
export function timeOf(name: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const time = parseWhen(text, Date.now())
  if (time !== undefined) return time
  throw new UsageError(`--${name} ${jsonLine(text)} is not a time`, 'Write 30m, 24h, 7d, or 2026-01-31T08:00:00Z.')
}
