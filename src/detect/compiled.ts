import { SallyportError } from '../core/errors.ts'
import type { Severity } from '../core/verdict.ts'
import { checksums, readingOn } from './checksums.ts'
import type { Check } from './checksums.ts'
import type { Rule } from './pack.ts'
import { canBegin, canStart } from './beginnings.ts'
import type { Atoms } from './beginnings.ts'
import { hasModifiers, withoutModifiers } from './case.ts'
import { openersOf } from './openers.ts'
import type { Openers } from './openers.ts'
import { beginningSource, lookAhead, lookBack, openSource, readsPast } from './open-ends.ts'
import { accepts, explosive, longest, parsePattern } from './syntax.ts'
import type { Node } from './syntax.ts'

/** A rule made ready to run. What costs time or memory is made when it is first looked at. */
export type Compiled = {
  readonly id: string
  readonly type: string
  readonly trigger: Rule['trigger']
  readonly keywords: readonly string[]
  /** Sticky: tried at one place. */
  readonly here: RegExp
  /** Global: searched in a window round the keyword, for rules whose keyword is not at their beginning. */
  readonly search: RegExp
  /** Sticky: the rest of the text is the beginning of a match that reaches into the value; what it captures marks where that begins. */
  readonly beginning: RegExp
  readonly beginningSource: string
  /** Sticky, tried where a match begins: more text could change or deny it. */
  readonly open: RegExp
  /** How far before its value a match reaches, and how far behind its end something is read, at most. */
  readonly lookBack: number
  readonly lookAhead: number
  readonly source: string
  readonly anyCase: boolean
  /** Number of the value's group; 0 is the whole match. */
  readonly group: number
  /** Keywords with which a match can begin. */
  readonly leading: ReadonlySet<string>
  /** Of a rule with a keyword that does not lead: words of which each match has one near its beginning, if they are known. */
  readonly openers: Openers | undefined
  /** Characters (below 128) with which a match can begin; those beyond always can. */
  readonly firsts: Uint8Array
  /** Whether a match can begin with what a text begins with. */
  readonly startsWith: (text: string) => boolean
  /** The same for a text as it is written. */
  readonly startsWithThis: (text: string) => boolean
  /** Whether a match can begin with these two characters. */
  readonly beginsWithPair: (first: number, second: number) => boolean
  /** Whether a match can begin with one of these. */
  readonly beginsWith: (chars: string) => boolean
  /** Right after a letter or digit there is no match. */
  readonly bounded: boolean
  readonly maxLength: number
  /** No match has white space or a quotation mark in it. */
  readonly solid: boolean
  readonly secret: boolean
  readonly check: Check | undefined
  readonly entropy: number
  readonly context: CompiledContext | undefined
  readonly confidence: number
  readonly severity: Severity
}

export type CompiledContext = {
  /** The longest part of each word, in lower case: where none of them stands, none of the words does. */
  readonly openings: readonly string[]
  /** Openings that stand inside their word; those of fewer than five letters that are all of their word. */
  readonly inner: readonly string[]
  readonly whole: readonly string[]
  readonly words: RegExp
  readonly not: RegExp | undefined
  readonly within: number
  readonly required: boolean
  readonly boost: number
}

/**
 * `atoms` is shared by rules that are compiled together. Throws SallyportError `policy_invalid` for a pattern that does not
 * compile, has no upper bound or could take too long.
 */
export function compileRule(rule: Rule, pack: string, atoms: Atoms = new Map()): Compiled {
  const caseless = rule.pattern.startsWith('(?i)')
  const asked = expanded(caseless ? rule.pattern.slice(4) : rule.pattern)
  const source = readable(asked) && hasModifiers(asked) ? withoutModifiers(asked, caseless) : asked
  const flags = caseless && source === asked ? 'i' : ''
  const group = rule.group ?? 0
  const places = group > 0 ? 'd' : ''
  const { tree, here } = checked(source, `${flags}y${places}`, group, `pack ${pack}, rule ${rule.id}`)
  const reparsed = (): Node => parsePattern(source)
  const search = once(() => new RegExp(source, `${flags}g${places}`))
  const begun = once(() => beginningSource(reparsed()))
  const fromValue = (): string => (group === 0 ? begun() : beginningSource(reparsed(), group))
  const beginning = once(() => new RegExp(fromValue(), `${flags}y${places}`))
  const open = once(() => new RegExp(openSource(reparsed()), `${flags}y`))
  const back = once(() => lookBack(reparsed(), group))
  const ahead = once(() => Math.max(lookAhead(reparsed()), readingOn(rule.checksum)))
  const beginsWith = (chars: string): boolean => anyBegins(reparsed(), chars, atoms)
  const firsts = once(() => firstsOf(reparsed(), atoms))
  const pairs = once(() => new Uint8Array(128 * 128))
  const beginsWithPair = (first: number, second: number): boolean => {
    if (first > 127 || second > 127) return true
    const known = pairs()[first * 128 + second] as number
    if (known !== 0) return known === yes
    const begins = canBegin(withoutBehind(reparsed()), String.fromCharCode(first, second), atoms)
    pairs()[first * 128 + second] = begins ? yes : no
    return begins
  }
  const solid = once(() => isSolid(reparsed()))
  const context = rule.context && compileContext(rule.context)
  const leading = leadingOf(withoutBehind(tree), rule.keywords, atoms)
  return {
    id: rule.id,
    type: rule.type,
    trigger: rule.trigger,
    keywords: rule.keywords,
    here,
    startsWith: (text) => canStart(withoutBehind(reparsed()), text, atoms),
    startsWithThis: (text) => canStart(withoutBehind(reparsed()), text, atoms, flags === 'i'),
    beginsWith,
    beginsWithPair,
    source,
    anyCase: flags === 'i',
    group,
    leading,
    openers: rule.keywords.every((word) => leading.has(word)) ? undefined : openersOf(tree),
    bounded: isBounded(tree, atoms),
    maxLength: longest(tree),
    secret: rule.type.startsWith('SECRET:'),
    check: rule.checksum === undefined ? undefined : checksums[rule.checksum],
    entropy: rule.entropy ?? 0,
    context,
    confidence: rule.confidence,
    severity: rule.severity,
    get search() {
      return search()
    },
    get beginning() {
      return beginning()
    },
    get beginningSource() {
      return begun()
    },
    get open() {
      return open()
    },
    get lookBack() {
      return back()
    },
    get lookAhead() {
      return ahead()
    },
    get firsts() {
      return firsts()
    },
    get solid() {
      return solid()
    },
  }
}

/** What cannot be read is refused with its reason, as it was written. */
function readable(source: string): boolean {
  try {
    parsePattern(source)
    return true
  } catch {
    return false
  }
}

function checked(source: string, flags: string, group: number, where: string): { tree: Node; here: RegExp } {
  const refuse = (why: string, cause?: unknown): SallyportError =>
    new SallyportError('policy_invalid', `${where}: ${why}`, { cause })
  let tree: Node
  let here: RegExp
  try {
    tree = parsePattern(source)
    here = new RegExp(source, flags)
  } catch (cause) {
    throw refuse(`the pattern cannot be read: ${(cause as Error).message}`, cause)
  }
  if (longest(tree) === Infinity) throw refuse('the pattern has a repeat without an upper bound')
  if (longest(tree) > mostLookBack && lookBack(tree, group) > mostLookBack)
    throw refuse(
      `more than ${mostLookBack} characters of the pattern can stand before its group, which streams do not keep`,
    )
  if (explosive(tree)) throw refuse('the pattern repeats a variable repeat, which can take exponential time')
  return { tree, here }
}

/**
 * What packs may use in patterns: `{{assign}}`, from a name to its value in code, configuration, markup, command lines, prose;
 * `{{quote}}`, also escaped; `{{start}}` and `{{end}}`, no letter or digit beyond, where an escape (`\n`, or a terminal's colour) is none.
 */
function expanded(pattern: string): string {
  return pattern
    .replaceAll('{{assign}}', assign)
    .replaceAll('{{quote}}', quote)
    .replaceAll('{{start}}', '(?<![A-Za-lo-qsu-z0-9]|(?<!\\\\)[nrt]|(?<!\\x1b\\[[\\d;]{0,8})m)')
    .replaceAll('{{end}}', '(?![A-Za-z0-9])')
}

/** The keywords with which a match can begin, and it is not just that it can begin with anything. */
function leadingOf(tree: Node, keywords: readonly string[], atoms: Atoms): ReadonlySet<string> {
  const anything = ['q', '7', 'Z', '_'].filter((char) => canBegin(tree, char, atoms))
  const leads = (keyword: string): boolean => {
    const others = anything.map((char) => char + keyword.slice(1)).filter((other) => other.toLowerCase() !== keyword)
    return canBegin(tree, keyword, atoms) && !others.some((other) => canBegin(tree, other, atoms))
  }
  return new Set(keywords.filter(leads))
}

function firstsOf(tree: Node, atoms: Atoms): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, code) => (anyBegins(tree, String.fromCharCode(code), atoms) ? 1 : 0))
}

function anyBegins(tree: Node, chars: string, atoms: Atoms): boolean {
  const known = withoutBehind(tree)
  return [...chars].some((char) => canBegin(known, char, atoms))
}

/** What stands before a match is not known: no look-behind says anything. */
function withoutBehind(node: Node): Node {
  switch (node.kind) {
    case 'char':
      return node
    case 'assert':
      return node.behind ? { kind: 'sequence', items: [] } : node
    case 'sequence':
      return { kind: 'sequence', items: node.items.map(withoutBehind) }
    case 'choice':
      return { kind: 'choice', options: node.options.map(withoutBehind) }
    case 'group':
    case 'repeat':
      return { ...node, body: withoutBehind(node.body) }
  }
}

// A stream keeps so much before a value whose pattern began there.
const mostLookBack = 3_840
const yes = 1
const no = 2

/** Whatever rules are tried together: no match of this one begins where `insideWord` says that it is inside a word. */
function isBounded(tree: Node, atoms: Atoms): boolean {
  const first = firstOf(tree)
  if (first?.kind !== 'assert' || (!first.behind && first.source !== '\\b')) return false
  if (!first.behind) return notWord.every((char) => !canBegin(tree, char, atoms))
  const key = `bounded ${first.source}`
  let inside = atoms.get(key)
  if (inside === undefined) atoms.set(key, (inside = new RegExp(`[A-Za-z0-9]${first.source}`)))
  return !inside.test(insides)
}

function isSolid(tree: Node): boolean {
  return [' ', '"', '\n'].every((char) => !accepts(tree, char) && !readsPast(tree, char))
}

function firstOf(node: Node): Node | undefined {
  if (node.kind === 'sequence') return node.items[0] && firstOf(node.items[0])
  if (node.kind === 'group') return firstOf(node.body)
  return node
}

function compileContext(context: NonNullable<Rule['context']>): CompiledContext {
  const words = once(() => wordsExpression(context.words))
  const not = once(() => (context.not.length > 0 ? wordsExpression(context.not) : undefined))
  return {
    openings: [...new Set(context.words.map(longestPart))],
    inner: context.words.filter((word) => !word.toLowerCase().startsWith(longestPart(word))).map(longestPart),
    whole: context.words.filter((word) => word.length < 5 && word.length === longestPart(word).length).map(longestPart),
    get words() {
      return words()
    },
    get not() {
      return not()
    },
    within: context.within,
    required: context.required,
    boost: context.boost,
  }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => (made ??= { value: make() }).value
}

function longestPart(word: string): string {
  const parts = word.toLowerCase().split(/[\s_-]+/)
  return parts.toSorted((a, b) => b.length - a.length)[0] ?? word
}

/** Whole words; a capital inside a name begins one, and so does what follows an escape (`\\n`). Words of five letters and more may have an ending. */
function wordsExpression(words: readonly string[]): RegExp {
  const escaped = words
    .toSorted((a, b) => b.length - a.length)
    .map(
      (word) =>
        word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/[\s_-]+/g, '[\\s_-]{0,3}') +
        (word.length < 5 ? '(?![a-z])' : ''),
    )
  return new RegExp(
    `(?:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z])|(?<=\\\\[nrt]))(?:${withoutModifiers(escaped.join('|'), true)})`,
  )
}

const letters = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789']
const notWord = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)).filter((char) => !/\w/.test(char))
// Every letter and digit, after several others and before something else.
const insides = ['', ' ', '"', 'a', '0'].flatMap((before) => letters.map((char) => `${before}${char} `)).join('')
const quote = '(?:\\\\{0,3}["\'`])'
const closers = '(?:\\[\\d{0,4}\\])?(?:\\\\{0,3}["\'`)\\]>]){0,3}[ \\t]{0,16}(?:[sS]tring[ \\t]{0,2})?'
const operator = `(?::[ \\t]{0,2}[A-Za-z&][\\w.<>&?]{0,24}[ \\t]{1,2}=[ \\t]{1,2}|={1,3}>?|:{1,4}=?|!={1,2}|[?.]=|->|<-|\\|\\|=?|is |[,(](?=[ \\t]{0,4}${quote})|>[\\r\\n]{0,2})`
const assign = `[\\w.-]{0,32}${closers}${operator}[ \\t]{0,8}(?:[@$rb](?=${quote}))?${quote}{0,3}[ \\t]{0,2}`
