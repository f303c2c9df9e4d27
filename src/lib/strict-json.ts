/**
 * The value of a JSON text (RFC 8259) that can be read in one way only: UTF-8 without a byte order mark, no name twice in an object,
 * nested no deeper than `maxDepth`. Throws SyntaxError; the message never repeats what was read.
 */
export function parseStrictJson(bytes: Uint8Array, maxDepth = 64): unknown {
  const text = decoded(bytes)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new SyntaxError('not JSON')
  }
  checkNames(text, maxDepth)
  return value
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new SyntaxError('not UTF-8')
  }
}

/** Of a text that is JSON: strings, brackets and commas are all that matters. */
function checkNames(text: string, maxDepth: number): void {
  /** For each open bracket the names so far; undefined for lists. */
  const open: (Set<string> | undefined)[] = []
  let named = false
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    if (character === '"') {
      const end = endOfString(text, i)
      if (named) take(open.at(-1), text.slice(i, end))
      named = false
      i = end - 1
    } else if (character === '{' || character === '[') {
      open.push(character === '{' ? new Set() : undefined)
      if (open.length > maxDepth) throw new SyntaxError('nested too deep')
      named = character === '{'
    } else if (character === '}' || character === ']') open.pop()
    else if (character === ',') named = open.at(-1) !== undefined
  }
}

function endOfString(text: string, start: number): number {
  let i = start + 1
  while (text[i] !== '"') i += text[i] === '\\' ? 2 : 1
  return i + 1
}

function take(names: Set<string> | undefined, spelled: string): void {
  const name = JSON.parse(spelled) as string
  if (names?.has(name) === true) throw new SyntaxError('a name stands twice in an object')
  names?.add(name)
}
