import { wholeNumber } from './recoded.ts'

/**
 * A JSON text with the places of its values, three numbers for each node, in the order of the text: start, end (exclusive), link.
 * A string starts at its opening quote and ends after its closing one; link is 1 when it has escapes. An object is followed by
 * its members, each a string node (the key) and its value; an array by its elements; link is the number of the node after the
 * last. Numbers, true, false and null that are neighbours in an array share one node, and link counts them: vectors cost nothing.
 * A number of seven digits or more may be somebody's: it has a node of its own, and its link is -1.
 */
export type JsonTree = {
  readonly text: string
  readonly nodes: Int32Array
  readonly size: number
  /** Long strings with escapes, decoded, by their node: to be sure that they are strings took decoding them. */
  readonly decoded: ReadonlyMap<number, string>
}

export const maxJsonDepth = 512

/** More would cost memory out of proportion: a value can be two bytes long, what is remembered of a text is a hundred. */
export const maxJsonNodes = 1_000_000

/**
 * Reads `text` from `from` to `to` as one JSON value. Accepts what JSON.parse accepts, down to a depth of 512 and up to
 * a million nodes; undefined otherwise. Duplicate keys are all kept. Iterative, one pass, time linear in the text.
 */
export function scanJson(text: string, from = 0, to = text.length): JsonTree | undefined {
  const scan: Scan = {
    text,
    to,
    at: from,
    nodes: new Int32Array(96 + ((to - from) >> 4) * 3),
    size: 0,
    open: [],
    run: -1,
    decoded: new Map(),
  }
  for (;;) {
    skipSpace(scan)
    const opened = openValue(scan)
    if (opened === failed) return undefined
    if (opened === container) continue
    const closed = closeValues(scan)
    if (closed === failed) return undefined
    if (closed === done) return { text, nodes: scan.nodes, size: scan.size, decoded: scan.decoded }
  }
}

type Scan = {
  readonly text: string
  readonly to: number
  at: number
  nodes: Int32Array
  size: number
  /** The containers that are open, outermost first. */
  readonly open: number[]
  /** The node of scalars that the next scalar joins, or -1. */
  run: number
  readonly decoded: Map<number, string>
}

/** Reads a scalar or an empty container (`more`: what follows a value is next), or opens a container (`container`: a value is next). */
function openValue(scan: Scan): Step {
  if (scan.at >= scan.to || scan.size >= maxJsonNodes) return failed
  const code = scan.text.charCodeAt(scan.at)
  if (code === quote) return addString(scan) ? more : failed
  if (code !== brace && code !== bracket) return addScalar(scan, code) ? more : failed
  if (scan.open.length === maxJsonDepth) return failed
  scan.open.push(scan.size)
  addNode(scan, scan.at, 0, 0)
  scan.at++
  skipSpace(scan)
  if (scan.at >= scan.to) return failed
  if (scan.text.charCodeAt(scan.at) === code + 2) {
    close(scan)
    return more
  }
  if (code === bracket) return container
  return addKey(scan) ? container : failed
}

/** After a value: closes what ends here. `container` means that another value follows. */
function closeValues(scan: Scan): Step {
  const { text, open } = scan
  for (;;) {
    skipSpace(scan)
    const top = open.at(-1)
    if (top === undefined) return scan.at === scan.to ? done : failed
    if (scan.at >= scan.to) return failed
    const opener = text.charCodeAt(scan.nodes[top * 3] as number)
    const code = text.charCodeAt(scan.at)
    if (code === comma) {
      scan.at++
      if (opener === bracket) return container
      skipSpace(scan)
      return addKey(scan) ? container : failed
    }
    if (code !== opener + 2) return failed
    close(scan)
  }
}

function close(scan: Scan): void {
  const node = scan.open.pop() as number
  scan.at++
  scan.nodes[node * 3 + 1] = scan.at
  scan.nodes[node * 3 + 2] = scan.size
  scan.run = -1
}

function addKey(scan: Scan): boolean {
  if (scan.at >= scan.to || scan.text.charCodeAt(scan.at) !== quote || !addString(scan)) return false
  skipSpace(scan)
  if (scan.at >= scan.to || scan.text.charCodeAt(scan.at) !== colon) return false
  scan.at++
  return true
}

function addString(scan: Scan): boolean {
  const end = stringEnd(scan, scan.at + 1)
  if (end === 0) return false
  const past = (end < 0 ? -end : end) + 1
  addNode(scan, scan.at, past, end < 0 ? 1 : 0)
  scan.at = past
  return true
}

function addScalar(scan: Scan, code: number): boolean {
  const end = scalarEnd(scan.text, scan.at, scan.to, code)
  if (end === 0) return false
  if (end - scan.at >= 7 && isTelling(scan.text, scan.at, end)) {
    addNode(scan, scan.at, end, -1)
    scan.at = end
    return true
  }
  const top = scan.open.at(-1)
  const inArray = top !== undefined && scan.text.charCodeAt(scan.nodes[top * 3] as number) === bracket
  if (inArray && scan.run >= 0) {
    scan.nodes[scan.run * 3 + 1] = end
    scan.nodes[scan.run * 3 + 2] = (scan.nodes[scan.run * 3 + 2] as number) + 1
  } else {
    addNode(scan, scan.at, end, 1)
    scan.run = inArray ? scan.size - 1 : -1
  }
  scan.at = end
  return true
}

function addNode(scan: Scan, start: number, end: number, link: number): void {
  const at = scan.size * 3
  if (at + 3 > scan.nodes.length) {
    const larger = new Int32Array(scan.nodes.length * 2)
    larger.set(scan.nodes)
    scan.nodes = larger
  }
  scan.nodes[at] = start
  scan.nodes[at + 1] = end
  scan.nodes[at + 2] = link
  scan.size++
  scan.run = -1
}

function skipSpace(scan: Scan): void {
  const { text, to } = scan
  let at = scan.at
  while (at < to) {
    const code = text.charCodeAt(at)
    if (code > 32 || (code !== 32 && code !== 10 && code !== 13 && code !== 9)) break
    at++
  }
  scan.at = at
}

/** The closing quote of the string whose inside begins at `from`: its offset, negated when the string has escapes; 0 when not valid. */
function stringEnd(scan: Scan, from: number): number {
  const { text, to } = scan
  const near = Math.min(to, from + 40)
  for (let at = from; at < near; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) return at
    if (code === backslash) return -escapedStringEnd(scan, from, at)
    if (code < 32) return 0
  }
  const end = text.indexOf('"', near)
  if (end < 0 || end >= to) return 0
  const special = text.slice(near, end).search(controlOrBackslash)
  if (special < 0) return end
  return text.charCodeAt(near + special) === backslash ? -escapedStringEnd(scan, from, near + special) : 0
}

/** The closing quote of the string whose inside begins at `open`, going on from its first backslash. */
function escapedStringEnd(scan: Scan, open: number, from: number): number {
  const { text, to } = scan
  const near = Math.min(to, from + 200)
  let at = from
  while (at < near) {
    const code = text.charCodeAt(at)
    if (code === quote) return at
    if (code < 32) return 0
    if (code !== backslash) at++
    else if ((at = escapeEnd(text, at, to)) === 0) return 0
  }
  const end = closingQuote(text, at, to)
  if (end === 0) return 0
  try {
    // What is inside is the engine's to check: it is faster.
    scan.decoded.set(scan.size, JSON.parse(text.slice(open - 1, end + 1)) as string)
    return end
  } catch {
    return 0
  }
}

/** The first quote from `from` on that no backslash stands before, or an even number of them; 0 when there is none. */
function closingQuote(text: string, from: number, to: number): number {
  for (let end = text.indexOf('"', from); end >= 0 && end < to; end = text.indexOf('"', end + 1)) {
    let before = end
    while (before > from && text.charCodeAt(before - 1) === backslash) before--
    if ((end - before) % 2 === 0) return end
  }
  return 0
}

/** One past the escape sequence at `at`, or 0 when it is not one. */
function escapeEnd(text: string, at: number, to: number): number {
  if (at + 1 >= to) return 0
  const code = text.charCodeAt(at + 1)
  if (code === 117) {
    if (at + 6 > to) return 0
    for (let i = at + 2; i < at + 6; i++) if (!isHex(text.charCodeAt(i))) return 0
    return at + 6
  }
  // " / \ b f n r t
  const simple = code === quote || code === 47 || code === backslash || code === 98 || code === 102 || code === 110
  return simple || code === 114 || code === 116 ? at + 2 : 0
}

/** One past a number, true, false or null; 0 when it is none. */
function scalarEnd(text: string, at: number, to: number, code: number): number {
  if (code === 116) return text.startsWith('true', at) && at + 4 <= to ? at + 4 : 0
  if (code === 102) return text.startsWith('false', at) && at + 5 <= to ? at + 5 : 0
  if (code === 110) return text.startsWith('null', at) && at + 4 <= to ? at + 4 : 0
  let i = code === 45 ? at + 1 : at
  if (i < to && text.charCodeAt(i) === 48) i++
  else if ((i = digitsEnd(text, i, to)) === 0) return 0
  if (i < to && text.charCodeAt(i) === 46 && (i = digitsEnd(text, i + 1, to)) === 0) return 0
  if (i < to && (text.charCodeAt(i) | 32) === 101) {
    i++
    const sign = i < to ? text.charCodeAt(i) : 0
    if (sign === 43 || sign === 45) i++
    i = digitsEnd(text, i, to)
  }
  return i
}

/** Whether a number is long enough to identify, and no fraction: `4.1E15` and `41.0` are how some languages write integers. */
function isTelling(text: string, at: number, end: number): boolean {
  const first = text.charCodeAt(at) === 45 ? at + 1 : at
  const point = text.charCodeAt(first + 1) === 46
  if (point) {
    // `E15`, `e+15`: of vectors only the last letters are looked at.
    const mark = text.charCodeAt(end - 3) | 32
    return mark === 101 || (text.charCodeAt(end - 3) === 43 && (text.charCodeAt(end - 4) | 32) === 101)
      ? wholeNumber(text.slice(at, end)) !== undefined
      : false
  }
  return digitsEnd(text, first, end) - first >= 7 && wholeNumber(text.slice(at, end)) !== undefined
}

/** One past the digits at `at`; 0 when there are none. */
function digitsEnd(text: string, at: number, to: number): number {
  let i = at
  while (i < to) {
    const code = text.charCodeAt(i)
    if (code < 48 || code > 57) break
    i++
  }
  return i === at ? 0 : i
}

function isHex(code: number): boolean {
  return (code >= 48 && code <= 57) || ((code | 32) >= 97 && (code | 32) <= 102)
}

type Step = typeof failed | typeof more | typeof container | typeof done

const failed = 0
const more = 1
const container = 2
const done = 3

const quote = 34
const comma = 44
const colon = 58
const backslash = 92
// A closing brace or bracket is its opener plus 2.
const bracket = 91
const brace = 123
const controlOrBackslash = /[\u0000-\u001f\\]/
