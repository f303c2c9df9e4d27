import { SallyportError } from '../core/errors.ts'
import type { Severity } from '../core/verdict.ts'
import { checksums } from './checksums.ts'
import type { Check } from './checksums.ts'
import type { Rule } from './pack.ts'
import { accepts, explosive, longest, parsePattern, partialFromGroup, partialSource } from './syntax.ts'
import type { Node } from './syntax.ts'

/** A rule made ready to run. */
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
  readonly source: string
  /** Number of the value's group; 0 is the whole match. */
  readonly group: number
  /** Keywords with which a match can begin. */
  readonly leading: ReadonlySet<string>
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
  readonly words: RegExp
  readonly not: RegExp | undefined
  readonly within: number
  readonly required: boolean
  readonly boost: number
}

/** Throws SallyportError `policy_invalid` for a pattern that does not compile, has no upper bound or could take too long. */
export function compileRule(rule: Rule, pack: string): Compiled {
  const refuse = (why: string, cause?: unknown): SallyportError =>
    new SallyportError('policy_invalid', `pack ${pack}, rule ${rule.id}: ${why}`, { cause })
  const flags = rule.pattern.startsWith('(?i)') ? 'i' : ''
  const source = expanded(flags === 'i' ? rule.pattern.slice(4) : rule.pattern)
  let tree: Node
  try {
    tree = parsePattern(source)
    void new RegExp(source, flags)
  } catch (cause) {
    throw refuse(`the pattern cannot be read: ${(cause as Error).message}`, cause)
  }
  const maxLength = longest(tree)
  if (maxLength === Infinity) throw refuse('the pattern has a repeat without an upper bound')
  if (explosive(tree)) throw refuse('the pattern repeats a variable repeat, which can take exponential time')
  const group = rule.group ?? 0
  const beginningSource = partialSource(tree)
  const anyCase = new RegExp(beginningSource, 'iy')
  const beginning = new RegExp(group === 0 ? beginningSource : partialFromGroup(tree, group), `${flags}dy`)
  return {
    id: rule.id,
    type: rule.type,
    trigger: rule.trigger,
    keywords: rule.keywords,
    here: new RegExp(source, `${flags}y${group > 0 ? 'd' : ''}`),
    search: new RegExp(source, `${flags}g${group > 0 ? 'd' : ''}`),
    beginning,
    beginningSource: flags === 'i' ? `(?i:${beginningSource})` : beginningSource,
    source: flags === 'i' ? `(?i:${source})` : source,
    group,
    leading: new Set(rule.keywords.filter((keyword) => mustLead(anyCase, keyword))),
    bounded: isBounded(tree),
    maxLength,
    solid: !accepts(tree, ' ') && !accepts(tree, '"') && !accepts(tree, '\n'),
    secret: rule.type.startsWith('SECRET:'),
    check: rule.checksum === undefined ? undefined : checksums[rule.checksum],
    entropy: rule.entropy ?? 0,
    context: rule.context === undefined ? undefined : compileContext(rule.context),
    confidence: rule.confidence,
    severity: rule.severity,
  }
}

/** Whether a match can begin with one of the characters. */
export function beginsWith(rule: Compiled, chars: string): boolean {
  const anyCase = new RegExp(rule.beginningSource, 'iy')
  return [...chars].some((char) => canBegin(anyCase, char))
}

/**
 * What packs may use in patterns: `{{assign}}`, from a name to its value in code, configuration, markup, command lines, prose;
 * `{{quote}}`, also escaped; `{{start}}` and `{{end}}`, no letter or digit beyond, where an escape (`\n`) is none.
 */
function expanded(pattern: string): string {
  return pattern
    .replaceAll('{{assign}}', assign)
    .replaceAll('{{quote}}', quote)
    .replaceAll('{{start}}', '(?<![A-Za-mo-qsu-z0-9]|(?<!\\\\)[nrt])')
    .replaceAll('{{end}}', '(?![A-Za-z0-9])')
}

/** A match can begin with the keyword, and it is not just that it can begin with anything. */
function mustLead(beginning: RegExp, keyword: string): boolean {
  const others = ['q', '7', 'Z', '_']
    .map((char) => char + keyword.slice(1))
    .filter((other) => other.toLowerCase() !== keyword)
  return canBegin(beginning, keyword) && !others.some((other) => canBegin(beginning, other))
}

function canBegin(beginning: RegExp, start: string): boolean {
  beginning.lastIndex = 0
  return beginning.test(start)
}

function isBounded(tree: Node): boolean {
  const first = firstOf(tree)
  if (first?.kind !== 'assert' || !first.behind) return false
  const assertion = new RegExp(first.source, 'y')
  return ['a', 'Z', '0'].every((char) => {
    assertion.lastIndex = 1
    return !assertion.test(`${char} `)
  })
}

function firstOf(node: Node): Node | undefined {
  if (node.kind === 'sequence') return node.items[0] && firstOf(node.items[0])
  if (node.kind === 'group') return firstOf(node.body)
  return node
}

function compileContext(context: NonNullable<Rule['context']>): CompiledContext {
  return {
    openings: [...new Set(context.words.map(longestPart))],
    words: wordsExpression(context.words),
    not: context.not.length > 0 ? wordsExpression(context.not) : undefined,
    within: context.within,
    required: context.required,
    boost: context.boost,
  }
}

function longestPart(word: string): string {
  const parts = word.toLowerCase().split(/[\s_-]+/)
  return parts.toSorted((a, b) => b.length - a.length)[0] ?? word
}

/** Whole words; a capital inside a name begins one. Words of five letters and more may have an ending. */
function wordsExpression(words: readonly string[]): RegExp {
  const escaped = words
    .toSorted((a, b) => b.length - a.length)
    .map(
      (word) =>
        word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/[\s_-]+/g, '[\\s_-]{0,3}') +
        (word.length < 5 ? '(?![a-z])' : ''),
    )
  return new RegExp(`(?:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z]))(?i:${escaped.join('|')})`)
}

const quote = '(?:\\\\{0,3}["\'`])'
const closers = '(?:\\\\{0,3}["\'`)\\]>]){0,3}[ \\t]{0,6}(?:[sS]tring[ \\t]{0,2})?'
const operator = `(?:={1,3}>?|:{1,4}=?|!={1,2}|[?.]=|->|<-|\\|\\||is |[,(](?=[ \\t]{0,4}${quote})|>[\\r\\n]{0,2})`
const assign = `[\\w.-]{0,32}${closers}${operator}[ \\t]{0,8}(?:[@$rb](?=${quote}))?${quote}{0,3}[ \\t]{0,2}`
