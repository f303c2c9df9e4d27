import { lastWindow, windows } from './escape-windows.ts'
import { hexAt, quotedPrintable } from './quoted-printable.ts'
import type { Change, NormalForm } from './rewrite.ts'

/**
 * The stretches of a text that write characters as escapes, without them: JSON, JavaScript, Python and C (`\u0041`, `\u{41}`, `\x41`,
 * `\101`, `\/`, with more backslashes where text is escaped twice), HTML entities, percent-encoding (RFC 3986, 2.1). Each with what stands round it, for context. `\n`, `\t` and `\"` are left to the rules, which know them.
 */
export function* unescaped(text: string): Generator<NormalForm | undefined, void> {
  yield* windows(text, escapesIn(text, 0))
}

/** The same for quoted-printable (RFC 2045, 6.7). */
export function* unquoted(text: string): Generator<NormalForm | undefined, void> {
  yield* windows(text, quotedPrintable(text, 0))
}

/**
 * The end of a text without its escapes and without the beginning of one there may be at its end, and the same for quoted-printable.
 * None where there is neither.
 */
export function unescapedTail(text: string): NormalForm[] {
  const least = Math.max(0, text.length - longestTail)
  const cut = partialFrom(text)
  const forms: NormalForm[] = []
  let isCut = false
  for (const spelled of [escapesIn(text, least, cut), quotedPrintable(text, least, cut, true)]) {
    const changes = [...spelled].filter((change) => change !== undefined)
    // Of two that are only cut one will do.
    if (changes.length === 0 && isCut) continue
    const form = lastWindow(text, changes, cut)
    if (form !== undefined) forms.push(form)
    isCut = changes.length === 0
  }
  return forms
}

/** Nothing is given from time to time, for others to have their turn. */
function* escapesIn(text: string, from: number, to = text.length): Generator<Change | undefined, void> {
  let at = from
  const leads: Lead[] = readers.map(([sign, read]) => ({ sign, read, next: from }))
  while (at < to) {
    const until = Math.min(to, at + block)
    const changes: Change[] = []
    for (const lead of leads) each(text, lead, at, until, changes)
    if (changes.length > 1) changes.sort((a, b) => a.start - b.start)
    at = until
    let last = 0
    for (const change of changes) {
      if (change.start < last || change.end > to) continue
      yield change
      last = change.end
    }
    at = Math.max(at, last)
    if (at < to) yield undefined
  }
}

/** What begins with a sign, and where that stands next: it is looked for once, however far away. */
type Lead = { readonly sign: string; readonly read: Read; next: number }
type Read = (text: string, at: number) => Change | undefined

function each(text: string, lead: Lead, from: number, until: number, changes: Change[]): void {
  const nextFrom = (place: number): number => {
    const next = text.indexOf(lead.sign, place)
    return next === -1 ? Infinity : next
  }
  if (lead.next <= from) lead.next = nextFrom(from)
  while (lead.next < until) {
    const change = lead.read(text, lead.next)
    if (change !== undefined) changes.push(change)
    lead.next = nextFrom(change?.end ?? lead.next + 1)
  }
}

function backslashed(text: string, at: number): Change | undefined {
  let i = at + 1
  while (i < at + 4 && text.charCodeAt(i) === 92) i++
  const code = text.charCodeAt(i)
  if (code === 47) return isSlash(text, at, i) ? { start: at, end: i + 1, text: '/' } : undefined
  if (code === 117 || code === 120) {
    const digits = code === 117 ? 4 : 2
    const value = text.charCodeAt(i + 1) === 123 ? -1 : hexAt(text, i + 1, digits)
    if (value >= 0) return character(at, i + 1 + digits, value)
  } else if (code !== 85 && code !== 48 && code !== 49) return undefined
  escape.lastIndex = i
  const found = escape.exec(text)
  if (found === null) return undefined
  const [whole, braced, eight, octal] = found
  const digits = braced ?? eight ?? (octal as string)
  return character(at, i + whole.length, Number.parseInt(digits, octal === undefined ? 16 : 8))
}

/** Between characters of an address or a value, not in a regular expression. */
function isSlash(text: string, at: number, slash: number): boolean {
  const before = text[at - 1] === '/' && text[at - 2] === '\\' ? 'x' : text.charAt(at - 1)
  const next = text.charAt(slash + 1)
  return valued.test(before) && (next === '' || next === '\\' || valued.test(next))
}

function entity(text: string, at: number): Change | undefined {
  const next = text.charCodeAt(at + 1)
  if (next !== 35 && !(next > 96 && next < 123) && !(next > 64 && next < 91)) return undefined
  reference.lastIndex = at + 1
  const found = reference.exec(text)
  if (found === null) return undefined
  const [whole, decimal, hex, name] = found
  if (name !== undefined) {
    const named = names[name]
    return named === undefined ? undefined : { start: at, end: at + 1 + whole.length, text: named }
  }
  return character(
    at,
    at + 1 + whole.length,
    decimal === undefined ? Number.parseInt(hex as string, 16) : Number(decimal),
  )
}

function character(start: number, end: number, code: number): Change | undefined {
  if (code > 0x10ffff || (code < 32 && code !== 9 && code !== 10 && code !== 13)) return undefined
  return { start, end, text: String.fromCodePoint(code) }
}

/** Percent signs that spell one character; the form of what is spelled twice is gone through again. */
function percents(text: string, at: number): Change | undefined {
  const first = hexAt(text, at + 1, 2)
  if (first < 32) return first === 9 || first === 10 || first === 13 ? character(at, at + 3, first) : undefined
  if (first < 128) return { start: at, end: at + 3, text: String.fromCharCode(first) }
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2
  const bytes = Buffer.alloc(length)
  for (let i = 0; i < length; i++) bytes[i] = text[at + 3 * i] === '%' ? Math.max(0, hexAt(text, at + 3 * i + 1, 2)) : 0
  const spelled = bytes.toString('utf8')
  return spelled.includes('\ufffd') || spelled.includes('\0')
    ? undefined
    : { start: at, end: at + 3 * length, text: spelled }
}

/** Where an escape begins that is not complete at the end of the text. */
export function partialFrom(text: string): number {
  const from = Math.max(0, text.length - 14)
  const found = partial.exec(text.slice(from))
  return found === null ? text.length : from + found.index
}

const readers: readonly (readonly [sign: string, read: Read])[] = [
  ['\\', backslashed],
  ['&', entity],
  ['%', percents],
]
const block = 32_768
const longestTail = 4_096
const valued = /^[\w+:.=-]$/
const escape = /[ux]\{([0-9A-Fa-f]{1,6})\}|U([0-9A-Fa-f]{8})|([01][0-7]{2})/y
const reference = /#([0-9]{1,7})(?![0-9]);?|#[xX]([0-9A-Fa-f]{1,6})(?![0-9A-Fa-f]);?|([A-Za-z]{2,8});/y
const partial =
  /(?:\\{1,4}(?:[uU][0-9A-Fa-f]{0,7}|[uU]\{[0-9A-Fa-f]{0,6}|x[0-9A-Fa-f]?|[01][0-7]?)?|&(?:#[0-9]{0,7}|#[xX][0-9A-Fa-f]{0,6}|[A-Za-z]{0,8})|(?:%[0-9A-Fa-f]?){1,4}|=[0-9A-F]?\r?|[\ud800-\udbff])$/
const names: { readonly [name: string]: string } = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  sol: '/',
  bsol: '\\',
  colon: ':',
  semi: ';',
  period: '.',
  comma: ',',
  commat: '@',
  lowbar: '_',
  hyphen: '-',
  dash: '-',
  minus: '-',
  num: '#',
  percnt: '%',
  equals: '=',
  plus: '+',
  excl: '!',
  quest: '?',
  dollar: '$',
  ast: '*',
  lpar: '(',
  rpar: ')',
  lsqb: '[',
  rsqb: ']',
  lcub: '{',
  rcub: '}',
  shy: '',
  ZeroWidthSpace: '',
  zwnj: '',
  zwj: '',
  Tab: '\t',
  NewLine: '\n',
}
