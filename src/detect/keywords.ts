import { createHash } from 'node:crypto'
import { RE2JS } from 're2js'
import { SallyportError } from '../core/errors.ts'
import type { Match } from '../core/verdict.ts'
import { automaton, bothCases } from './automaton.ts'
import type { Automaton, Prefix } from './automaton.ts'
import { carriedBack, normalForm, pendingThroughForm } from './normal-form.ts'
import { resolved } from './overlaps.ts'
import type { RuleSet } from './rule-set.ts'
import { parsePattern, partialSource } from './syntax.ts'

export type KeywordOptions = {
  /** Whole words or phrases, matched in their normal form; one blank stands for any single white space. */
  readonly words: readonly string[]
  /** RE2 expressions: linear time, no look-around, no back references. */
  readonly patterns: readonly string[]
  readonly caseSensitive: boolean
  /** The type is `KEYWORD:name`. */
  readonly name: string
}

/** Throws SallyportError `policy_invalid` for an empty word and for an expression that does not compile. */
export function compileKeywords(options: KeywordOptions): RuleSet {
  const fold = options.caseSensitive ? (text: string): string => text : lowered
  const words = [...new Set(options.words.map((word) => fold(normalWord(word))))]
  const automaton = wordList(words, options.caseSensitive)
  const list: List = {
    options,
    words,
    automaton,
    prefix: automaton.prefixes(() => 1),
    patterns: options.patterns.map((pattern) => compilePattern(pattern, options.caseSensitive)),
  }
  return {
    wants: ({ type }) => type === `KEYWORD:${options.name}`,
    digest: createHash('sha256')
      .update(JSON.stringify([1, options]))
      .digest('hex'),
    find: (text) => {
      const form = normalForm(text)
      const normal = form?.text ?? text
      const found = [...wordsIn(list, normal), ...patternsIn(list, normal)]
      return resolved(form === undefined ? found : found.map((match) => carriedBack(match, form)))
    },
    pendingFrom: (text) =>
      pendingThroughForm(text, (normal) =>
        Math.min(pendingWord(list, normal), ...list.patterns.map((one) => pendingPattern(one, normal))),
      ),
  }
}

type List = {
  readonly options: KeywordOptions
  readonly words: readonly string[]
  readonly automaton: Automaton
  readonly prefix: Prefix
  readonly patterns: readonly Pattern[]
}

/** `beginning` finds the first place from which the rest of the text is a beginning of a match; undefined when that is unknown. */
type Pattern = { readonly whole: RE2JS; readonly beginning: RE2JS | undefined }

function wordsIn(list: List, text: string): Match[] {
  const found: Match[] = []
  const { next, columns, accepting, stride, endings } = list.automaton
  let state = 0
  for (let i = 0; i < text.length; i++) {
    state = next[(state << 4) + (columns[text.charCodeAt(i)] as number)] as number
    if (state < accepting) continue
    for (const word of endings[(state - accepting) / stride] as readonly number[]) {
      const start = i + 1 - (list.words[word] as string).length
      if (isWhole(text, start, i + 1)) found.push(matched(list, start, i + 1))
    }
  }
  return found
}

function patternsIn(list: List, text: string): Match[] {
  const found: Match[] = []
  for (const { whole } of list.patterns) {
    const matcher = whole.matcher(text)
    while (matcher.find())
      if (matcher.end() > matcher.start()) found.push(matched(list, matcher.start(), matcher.end()))
  }
  return found
}

function matched(list: List, start: number, end: number): Match {
  return {
    type: `KEYWORD:${list.options.name}`,
    rule: list.options.name,
    start,
    end,
    confidence: 1,
    severity: 'medium',
  }
}

/** A word at the very end is pending too: a letter may follow and make it another word. */
function pendingWord(list: List, text: string): number {
  const { prefix, words } = list
  const { next, columns, accepting, stride, endings } = list.automaton
  let state = 0
  for (let i = Math.max(0, text.length - 512); i < text.length; i++) {
    state = next[(state << 4) + (columns[text.charCodeAt(i)] as number)] as number
  }
  let longest = state >= accepting ? (words[endings[(state - accepting) / stride]?.[0] as number] as string).length : 0
  for (let depth = prefix(state, Infinity, 1); depth > 0; depth = prefix(state, depth, 1)) {
    if (depth > longest && isBoundary(text, text.length - depth)) {
      longest = depth
      break
    }
  }
  return text.length - longest
}

function pendingPattern(pattern: Pattern, text: string): number {
  const from = Math.max(0, text.length - longestHeld)
  if (pattern.beginning === undefined) return from
  const matcher = pattern.beginning.matcher(text.slice(from))
  return matcher.find() ? from + matcher.start() : text.length
}

function compilePattern(pattern: string, caseSensitive: boolean): Pattern {
  const flags = caseSensitive ? 0 : RE2JS.CASE_INSENSITIVE
  try {
    return { whole: RE2JS.compile(pattern, flags), beginning: beginningOf(pattern, flags) }
  } catch (cause) {
    throw new SallyportError(
      'policy_invalid',
      `keyword pattern ${JSON.stringify(pattern)}: ${(cause as Error).message}`,
      {
        cause,
        hint: 'Patterns are RE2 expressions: no look-around, no back references, no repeat above 1,000.',
      },
    )
  }
}

function beginningOf(pattern: string, flags: number): RE2JS | undefined {
  try {
    return RE2JS.compile(partialSource(parsePattern(pattern)), flags)
  } catch {
    return undefined
  }
}

function wordList(words: readonly string[], caseSensitive: boolean): Automaton {
  const spellings = caseSensitive ? (char: string): string[] => [char] : bothCases
  try {
    return automaton(words, (char) =>
      char === ' ' ? [' ', '\t', '\n', '\r'] : char === 'σ' ? ['σ', 'ς', 'Σ'] : spellings(char),
    )
  } catch (cause) {
    throw new SallyportError('policy_invalid', 'the keyword list is too large', { cause })
  }
}

function normalWord(word: string): string {
  const normal = (normalForm(word)?.text ?? word).trim().replace(/\s+/g, ' ')
  if (normal === '') throw new SallyportError('policy_invalid', 'a keyword is empty')
  return normal
}

/** Character by character, so that lengths stay. */
function lowered(text: string): string {
  return text
    .split('')
    .map((char) => (char.toLowerCase().length === 1 ? char.toLowerCase().replace('ς', 'σ') : char))
    .join('')
}

function isWhole(text: string, start: number, end: number): boolean {
  return isBoundary(text, start) && isBoundary(text, end)
}

/** No letter, digit or underscore on both sides. */
function isBoundary(text: string, at: number): boolean {
  return !(partOfWord(text, at - 1) && partOfWord(text, at))
}

function partOfWord(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  if (code < 128)
    return code > 47 && (code < 58 || (code > 64 && code < 91) || code === 95 || (code > 96 && code < 123))
  if (Number.isNaN(code)) return false
  const low = code >= 0xdc00 && code <= 0xdfff
  return /[\p{L}\p{N}\p{M}]/u.test(String.fromCodePoint(text.codePointAt(low && at > 0 ? at - 1 : at) as number))
}

const longestHeld = 512
