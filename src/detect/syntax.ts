/**
 * The part of regular expression syntax that packs use, as a tree: enough to know how long a match can get and to write the
 * expression for "everything from here to the end of the text could be the beginning of a match".
 */
export type Node =
  | { readonly kind: 'char'; readonly source: string }
  | { readonly kind: 'assert'; readonly source: string; readonly behind: boolean }
  | { readonly kind: 'sequence'; readonly items: readonly Node[] }
  | { readonly kind: 'choice'; readonly options: readonly Node[] }
  | { readonly kind: 'group'; readonly open: string; readonly number: number; readonly body: Node }
  | { readonly kind: 'repeat'; readonly body: Node; readonly min: number; readonly max: number; readonly lazy: string }

/** Throws SyntaxError for what it does not know: back references, sticky modifiers, unbalanced brackets. */
export function parsePattern(source: string): Node {
  const reader: Reader = { source, at: 0, groups: 0 }
  const node = choice(reader)
  if (reader.at < source.length) throw new SyntaxError(`unbalanced ) at ${reader.at}`)
  return node
}

/** The longest possible match in characters; Infinity when a repeat has no upper bound. */
export function longest(node: Node): number {
  switch (node.kind) {
    case 'char':
      return 1
    case 'assert':
      return 0
    case 'group':
      return longest(node.body)
    case 'sequence':
      return node.items.reduce((sum, item) => sum + longest(item), 0)
    case 'choice':
      return Math.max(...node.options.map(longest))
    case 'repeat':
      return node.max === 0 ? 0 : longest(node.body) * node.max
  }
}

/** Whether a match can have the character in it. */
export function accepts(node: Node, char: string): boolean {
  switch (node.kind) {
    case 'char':
      return new RegExp(`^${node.source}$`, 'i').test(char)
    case 'assert':
      return false
    case 'group':
    case 'repeat':
      return accepts(node.body, char)
    case 'sequence':
      return node.items.some((item) => accepts(item, char))
    case 'choice':
      return node.options.some((option) => accepts(option, char))
  }
}

/**
 * A variable repeat of something that itself is nothing but variable repeats: the text can be divided in exponentially many ways
 * before the expression gives up.
 */
export function explosive(node: Node): boolean {
  switch (node.kind) {
    case 'char':
    case 'assert':
      return false
    case 'group':
      return explosive(node.body)
    case 'sequence':
      return node.items.some(explosive)
    case 'choice':
      return node.options.some(explosive)
    case 'repeat':
      if (explosive(node.body) || (node.max > fewRepeats && isAmbiguous(node.body))) return true
      return node.max > 1 && node.max !== node.min && !anchored(node.body)
  }
}

/** Whether two of the options are one character each, and can be the same: with each repeat there are twice as many ways. */
function isAmbiguous(node: Node): boolean {
  if (node.kind === 'group') return isAmbiguous(node.body)
  if (node.kind === 'sequence') return node.items.length === 1 && isAmbiguous(node.items[0] as Node)
  if (node.kind !== 'choice') return false
  const single = node.options.map(onlyChar).filter((one) => one !== undefined)
  return single.length > 1 && ascii.some((char) => single.filter((one) => accepts(one, char)).length > 1)
}

function onlyChar(node: Node): Node | undefined {
  if (node.kind === 'char') return node
  return node.kind === 'sequence' && node.items.length === 1 ? onlyChar(node.items[0] as Node) : undefined
}

/**
 * The source of an expression that, tried at one place, matches when the rest of the text is a beginning of something `node`
 * matches (the whole included). Look-aheads and word boundaries cannot be known at the end of the text and are taken as true.
 */
export function partialSource(node: Node): string {
  return partial(node, '$')
}

/**
 * The same, when the beginning reaches into group `number` at least. What the expression captures, alone, is empty and stands where
 * that group begins; a group inside a repeat has several.
 */
export function partialFromGroup(node: Node, number: number): string {
  return fromGroup(node, number, '$')
}

type Reader = { readonly source: string; at: number; groups: number }

function choice(reader: Reader): Node {
  const options = [sequence(reader)]
  while (reader.source[reader.at] === '|') {
    reader.at++
    options.push(sequence(reader))
  }
  return options.length === 1 ? (options[0] as Node) : { kind: 'choice', options }
}

function sequence(reader: Reader): Node {
  const items: Node[] = []
  while (reader.at < reader.source.length && !'|)'.includes(reader.source.charAt(reader.at))) {
    items.push(repeated(atom(reader), reader))
  }
  return { kind: 'sequence', items }
}

function atom(reader: Reader): Node {
  const { source, at } = reader
  const char = source.charAt(at)
  if (char === '(') return group(reader)
  if (char === '[') return taken(reader, classEnd(source, at))
  if (char === '^' || char === '$') return assertion(reader, at + 1, false)
  if ('*+?{'.includes(char)) throw new SyntaxError(`nothing to repeat at ${at}`)
  if (char !== '\\') return taken(reader, at + 1)
  const next = source.charAt(at + 1)
  if (next === 'b' || next === 'B') return assertion(reader, at + 2, false)
  if (next === '' || /[1-9k]/.test(next)) throw new SyntaxError(`back reference or lone \\ at ${at}`)
  if (next === 'x') return taken(reader, at + 4)
  if (next === 'u' && source.charAt(at + 2) !== '{') return taken(reader, at + 6)
  if ('pPu'.includes(next)) return taken(reader, source.indexOf('}', at) + 1 || source.length)
  return taken(reader, at + 2)
}

function group(reader: Reader): Node {
  const { source, at } = reader
  const opening = /\((?:\?(?:<?[=!]|[a-z]*(?:-[a-z]+)?:|<[A-Za-z]\w*>|P<[A-Za-z]\w*>))?/y
  opening.lastIndex = at
  const open = opening.exec(source)?.[0] ?? '('
  const capturing = open === '(' || open.endsWith('>')
  const number = capturing ? ++reader.groups : 0
  reader.at = at + open.length
  const body = choice(reader)
  if (source[reader.at] !== ')') throw new SyntaxError(`missing ) for the group at ${at}`)
  reader.at++
  if (!/[=!]$/.test(open)) return { kind: 'group', open: capturing ? '(?:' : open, number, body }
  return { kind: 'assert', source: source.slice(at, reader.at), behind: open.startsWith('(?<') }
}

function repeated(body: Node, reader: Reader): Node {
  const quantifier = /(?:[*+?]|\{(\d+)(,?)(\d*)\})(\??)/y
  quantifier.lastIndex = reader.at
  const found = quantifier.exec(reader.source)
  if (found === null) return body
  reader.at = quantifier.lastIndex
  const lazy = found[4] ?? ''
  if (found[1] === undefined) {
    const sign = found[0].charAt(0)
    return { kind: 'repeat', body, min: sign === '+' ? 1 : 0, max: sign === '?' ? 1 : Infinity, lazy }
  }
  const min = Number(found[1])
  const max = found[2] === '' ? min : found[3] === '' ? Infinity : Number(found[3])
  return { kind: 'repeat', body, min, max, lazy }
}

function taken(reader: Reader, end: number): Node {
  const source = reader.source.slice(reader.at, end)
  reader.at = end
  return { kind: 'char', source }
}

function assertion(reader: Reader, end: number, behind: boolean): Node {
  const source = reader.source.slice(reader.at, end)
  reader.at = end
  return { kind: 'assert', source, behind }
}

function classEnd(source: string, open: number): number {
  for (let i = open + 1; i < source.length; i++) {
    if (source[i] === '\\') i++
    else if (source[i] === ']' && i > open + 1) return i + 1
  }
  throw new SyntaxError(`missing ] for the class at ${open}`)
}

function anchored(node: Node): boolean {
  switch (node.kind) {
    case 'char':
      return true
    case 'assert':
      return false
    case 'group':
      return anchored(node.body)
    case 'sequence':
      return node.items.some(anchored)
    case 'choice':
      return node.options.every(anchored)
    case 'repeat':
      return node.min === node.max && anchored(node.body)
  }
}

function partial(node: Node, rest: string): string {
  switch (node.kind) {
    case 'char':
      return `(?:${node.source}${rest}|$)`
    case 'assert':
      return node.behind ? node.source + rest : rest
    case 'choice':
      return `(?:${full(node)}${rest}|${node.options.map((option) => partial(option, '$')).join('|')})`
    case 'sequence':
      return node.items.reduceRight((tail, item) => partial(item, tail), rest)
    case 'group':
      return `(?:${full(node)}${rest}|${node.open}${partial(node.body, '$')}))`
    case 'repeat':
      if (node.max === 0) return rest
      return `(?:${full(node)}${rest}|(?:${full(node.body)})${quantifier(0, node.max - 1, '')}${partial(node.body, '$')})`
  }
}

function fromGroup(node: Node, number: number, rest: string): string {
  switch (node.kind) {
    case 'char':
    case 'assert':
      return node.source + rest
    case 'choice': {
      const inside = node.options.filter((option) => contains(option, number))
      return `(?:${inside.map((option) => fromGroup(option, number, rest)).join('|')})`
    }
    case 'sequence': {
      const at = node.items.findIndex((item) => contains(item, number))
      const before = node.items.slice(0, at).map(full).join('')
      const tail = node.items.slice(at + 1).reduceRight((after, item) => partial(item, after), rest)
      return before + fromGroup(node.items[at] as Node, number, tail)
    }
    case 'group':
      if (node.number === number) return `()${partial({ ...node, number: 0 }, rest)}`
      return `${node.open}${fromGroup(node.body, number, rest)})`
    case 'repeat':
      return `(?:${full(node.body)})${quantifier(0, Math.max(0, node.max - 1), '')}${fromGroup(node.body, number, rest)}`
  }
}

function contains(node: Node, number: number): boolean {
  switch (node.kind) {
    case 'char':
    case 'assert':
      return false
    case 'group':
      return node.number === number || contains(node.body, number)
    case 'sequence':
      return node.items.some((item) => contains(item, number))
    case 'choice':
      return node.options.some((option) => contains(option, number))
    case 'repeat':
      return contains(node.body, number)
  }
}

/** The source of a tree. */
export function full(node: Node): string {
  switch (node.kind) {
    case 'char':
    case 'assert':
      return node.source
    case 'choice':
      return `(?:${node.options.map(full).join('|')})`
    case 'sequence':
      return node.items.map(full).join('')
    case 'group':
      return `${node.open}${full(node.body)})`
    case 'repeat':
      return `(?:${full(node.body)})${quantifier(node.min, node.max, node.lazy)}`
  }
}

function quantifier(min: number, max: number, lazy: string): string {
  return `{${min},${max === Infinity ? '' : max}}${lazy}`
}

const fewRepeats = 8
const ascii = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code))
