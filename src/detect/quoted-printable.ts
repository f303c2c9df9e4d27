import type { Change } from './rewrite.ts'

/**
 * Signs of quoted-printable (RFC 2045, 6.7) in [from, to): an equals sign and two digits may be anything; with others near it is
 * spelling, and `alone` so at the end of a text. Nothing is given from time to time, for others to have their turn.
 */
export function* quotedPrintable(
  text: string,
  from: number,
  to = text.length,
  alone = false,
): Generator<Change | undefined, void> {
  let held: Change | undefined
  let last = -longestLine
  let rest = from + block
  for (let at = text.indexOf('=', from); at !== -1 && at < to; at = text.indexOf('=', at + 1)) {
    if (at > rest) {
      rest = at + block
      yield undefined
    }
    const change = quoted(text, at)
    if (change === undefined || change.end > to) continue
    const near = at - last <= longestLine
    if (near && held !== undefined) yield held
    held = near || alone || change.text === '' ? undefined : change
    if (held === undefined) yield change
    last = at
  }
}

function quoted(text: string, at: number): Change | undefined {
  const next = text.charCodeAt(at + 1)
  if ((next === 10 || next === 13) && !/\w/.test(text.charAt(at - 1))) return undefined
  if (next === 10) return { start: at, end: at + 2, text: '' }
  if (next === 13 && text.charCodeAt(at + 2) === 10) return { start: at, end: at + 3, text: '' }
  const byte = next < 58 || (next > 64 && next < 71) ? hexAt(text, at + 1, 2) : -1
  return byte > 31 && byte < 127 ? { start: at, end: at + 3, text: String.fromCharCode(byte) } : undefined
}

/** What so many hexadecimal digits stand for; -1 when there are not as many. */
export function hexAt(text: string, from: number, digits: number): number {
  let value = 0
  for (let i = from; i < from + digits; i++) {
    const digit = nibble(text.charCodeAt(i))
    if (digit < 0) return -1
    value = value * 16 + digit
  }
  return value
}

function nibble(code: number): number {
  if (code > 47 && code < 58) return code - 48
  const letter = code | 32
  return letter > 96 && letter < 103 ? letter - 87 : -1
}

const block = 32_768
const longestLine = 76
