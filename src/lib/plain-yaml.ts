/**
 * The value of a YAML document written plainly: mappings and lists by indentation, `[…]` and `{…}` on one line, quoted texts on one
 * line, simple words and numbers, comments. Undefined for everything else, right or wrong: then a full parser has to say what it
 * is. It takes a tenth of the time, and keeps no tree.
 */
export function readPlainYaml(text: string): unknown {
  if (/[^\n\x20-\x7e\x80-\ud7ff\ue000-\ufefe\uff00-\ufffd\ud800-\udfff]/.test(text)) return undefined
  try {
    const reader: Reader = { lines: linesOf(text), next: 0 }
    const first = reader.lines[0]
    const value = first?.indent === 0 && !first.text.startsWith('- ') ? mapping(reader, 0) : notPlain()
    return reader.next === reader.lines.length ? value : undefined
  } catch (thrown) {
    if (thrown instanceof NotPlain) return undefined
    throw thrown
  }
}

class NotPlain extends Error {}

/** A line that says something, without its indentation. */
type Line = { indent: number; text: string }

type Reader = { readonly lines: readonly Line[]; next: number }

type Mapping = Record<string, unknown>

function linesOf(text: string): Line[] {
  const lines: Line[] = []
  for (let from = 0; from < text.length;) {
    const newline = text.indexOf('\n', from)
    const end = newline === -1 ? text.length : newline
    let start = from
    while (start < end && text.charCodeAt(start) === SPACE) start++
    if (start < end && text.charCodeAt(start) !== HASH)
      lines.push({ indent: start - from, text: text.slice(start, end) })
    from = end + 1
  }
  return lines
}

function mapping(reader: Reader, indent: number): Mapping {
  const entries: Mapping = {}
  for (let line = reader.lines[reader.next]; line !== undefined && line.indent === indent;) {
    if (line.text.startsWith('- ')) break
    plainKey.lastIndex = 0
    const key = plainKey.exec(line.text)?.[1] ?? notPlain()
    if (key in entries) return notPlain()
    const rest = withoutSpaces(line.text.slice(plainKey.lastIndex))
    reader.next++
    entries[key] = rest === '' || rest.startsWith('#') ? block(reader, indent) : onLine(reader, rest, indent)
    line = reader.lines[reader.next]
  }
  return entries
}

/** What is indented under a key. */
function block(reader: Reader, above: number): unknown {
  const line = reader.lines[reader.next]
  if (line === undefined || line.indent <= above) return notPlain()
  return line.text.startsWith('- ') ? list(reader, line.indent) : mapping(reader, line.indent)
}

function list(reader: Reader, indent: number): unknown[] {
  const items: unknown[] = []
  for (let line = reader.lines[reader.next]; line !== undefined && line.indent === indent;) {
    if (!line.text.startsWith('- ')) return notPlain()
    const rest = line.text.slice(2)
    const text = withoutSpaces(rest)
    if (text === '' || text.startsWith('#') || text.startsWith('- ')) return notPlain()
    plainKey.lastIndex = 0
    if (plainKey.test(text)) {
      // The item is a mapping whose first entry stands beside the hyphen.
      line.indent = indent + 2 + rest.length - text.length
      line.text = text
      items.push(mapping(reader, line.indent))
    } else {
      reader.next++
      items.push(onLine(reader, text, indent))
    }
    line = reader.lines[reader.next]
  }
  return items
}

/** A value that ends on its line; a deeper line behind it would go on with it. */
function onLine(reader: Reader, text: string, indent: number): unknown {
  const after = reader.lines[reader.next]
  if (after !== undefined && after.indent > indent) return notPlain()
  const cursor: Cursor = { text, at: 0 }
  const value = flow(cursor)
  if (!restIsComment.test(text.slice(cursor.at))) return notPlain()
  return value
}

type Cursor = { readonly text: string; at: number }

function flow(cursor: Cursor): unknown {
  switch (cursor.text.charAt(cursor.at)) {
    case "'":
      return singleQuoted(cursor)
    case '"':
      return doubleQuoted(cursor)
    case '[':
      return flowList(cursor)
    case '{':
      return flowMapping(cursor)
    default:
      return word(cursor)
  }
}

function flowList(cursor: Cursor): unknown[] {
  const items: unknown[] = []
  cursor.at++
  skipSpaces(cursor)
  if (taken(cursor, ']')) return items
  for (;;) {
    items.push(flow(cursor))
    skipSpaces(cursor)
    if (taken(cursor, ']')) return items
    if (!taken(cursor, ',')) return notPlain()
    skipSpaces(cursor)
  }
}

function flowMapping(cursor: Cursor): Mapping {
  const entries: Mapping = {}
  cursor.at++
  skipSpaces(cursor)
  if (taken(cursor, '}')) return entries
  for (;;) {
    plainKey.lastIndex = cursor.at
    const key = plainKey.exec(cursor.text)?.[1] ?? notPlain()
    if (key in entries) return notPlain()
    cursor.at = plainKey.lastIndex
    skipSpaces(cursor)
    entries[key] = flow(cursor)
    skipSpaces(cursor)
    if (taken(cursor, '}')) return entries
    if (!taken(cursor, ',')) return notPlain()
    skipSpaces(cursor)
  }
}

function singleQuoted(cursor: Cursor): string {
  const { text, at } = cursor
  let end = text.indexOf("'", at + 1)
  while (end !== -1 && text.charAt(end + 1) === "'") end = text.indexOf("'", end + 2)
  if (end === -1) return notPlain()
  cursor.at = end + 1
  return text.slice(at + 1, end).replaceAll("''", "'")
}

function doubleQuoted(cursor: Cursor): string {
  jsonString.lastIndex = cursor.at
  const literal = jsonString.exec(cursor.text)?.[0] ?? notPlain()
  cursor.at += literal.length
  return JSON.parse(literal) as string
}

function word(cursor: Cursor): unknown {
  plainWord.lastIndex = cursor.at
  const source = plainWord.exec(cursor.text)?.[0] ?? notPlain()
  cursor.at += source.length
  if (source in constants) return constants[source as keyof typeof constants]
  if (plainNumber.test(source)) return Number(source)
  return noNumber.test(source) && !/^(?:true|false|null)$/i.test(source) ? source : notPlain()
}

function taken(cursor: Cursor, char: string): boolean {
  if (cursor.text.charAt(cursor.at) !== char) return false
  cursor.at++
  return true
}

function skipSpaces(cursor: Cursor): void {
  while (cursor.text.charCodeAt(cursor.at) === SPACE) cursor.at++
}

/** Only spaces count as such. */
function withoutSpaces(text: string): string {
  let start = 0
  while (text.charCodeAt(start) === SPACE) start++
  return text.slice(start)
}

function notPlain(): never {
  throw new NotPlain()
}

const SPACE = 32
const HASH = 35
const constants = { true: true, false: false, null: null } as const
// Words that could be more than they seem, as keys too, are left to the full parser.
const plainKey = /([A-Za-z][A-Za-z0-9_-]*):(?= |$)/y
const plainWord = /[A-Za-z0-9-](?:[A-Za-z0-9_./-]|:(?=[A-Za-z0-9]))*(?=[ ,\]}]|$)/y
const plainNumber = /^-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?$/
// It begins with a letter, or has one that stands in no way of writing a number.
const noNumber = /^[A-Za-z]|[g-np-wyzG-NP-WYZ]/
const jsonString = /"(?:[^"\\]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const restIsComment = /^ *(?: #.*)?$/
