import { createHash } from 'node:crypto'
import type { Match } from '../core/verdict.ts'
import { carriedBack, normalize, pendingThroughForm } from './normal-form.ts'
import type { NormalForm } from './normal-form.ts'
import { longestMatch, operatorPattern } from './operator-pattern.ts'
import type { OperatorPattern } from './operator-pattern.ts'
import { resolved } from './overlaps.ts'
import type { Reading } from './reader.ts'
import type { RuleSet } from './rule-set.ts'
import { wordList } from './word-list.ts'
import type { WordList } from './word-list.ts'

export type KeywordOptions = {
  /** Whole words or phrases, matched in their normal form; one blank stands for any white space. */
  readonly words: readonly string[]
  /** RE2 expressions: linear time, no look-around, no back references. */
  readonly patterns: readonly string[]
  readonly caseSensitive: boolean
  /** The type is `KEYWORD:name`. */
  readonly name: string
}

/** Throws SallyportError `policy_invalid` for an empty word and for an expression that does not compile. */
export function compileKeywords(options: KeywordOptions): RuleSet {
  const list: List = {
    name: options.name,
    words: options.words.length === 0 ? undefined : wordList(options.words, options.caseSensitive),
    patterns: options.patterns.map((pattern) => operatorPattern(pattern, options.caseSensitive)),
  }
  const pendingFrom = (text: string): number => pendingThroughForm(text, (normal) => pendingIn(list, normal))
  return {
    digest: createHash('sha256')
      .update(JSON.stringify([2, options]))
      .digest('hex'),
    find: (text) => {
      const reading = readingOf(list, text, pendingFrom)
      reading.advance(Infinity)
      return reading.found()[0] as readonly Match[]
    },
    pendingFrom,
    wants: ({ type }) => type === `KEYWORD:${options.name}`,
    shared: { readerFor: () => (text) => readingOf(list, text, pendingFrom) },
  }
}

type List = {
  readonly name: string
  readonly words: WordList | undefined
  readonly patterns: readonly OperatorPattern[]
}

function readingOf(list: List, text: string, pendingFrom: (text: string) => number): Reading {
  const look: Look = { matches: [], form: undefined, spent: 0, limit: 0 }
  const steps = looking(list, text, look)
  return {
    advance: (chars) => {
      look.limit = look.spent + chars
      return steps.next().done !== true
    },
    found: () => {
      const { matches, form } = look
      return [resolved(form === undefined ? matches : matches.map((match) => carriedBack(match, form)))]
    },
    pendingFrom: () => pendingFrom(text),
    spent: () => look.spent,
  }
}

type Look = { readonly matches: Match[]; form: NormalForm | undefined; spent: number; limit: number }

/**
 * Gives way where `limit` is reached. It is no function of each reading's own: V8 makes something old for each generator function that
 * is called, which would keep the text until the next collection of everything.
 */
function* looking(list: List, text: string, look: Look): Generator<void, void> {
  const normalizing = foreign.test(text) ? normalize(text) : undefined
  while (normalizing?.advance(normalizingStep) === true) if ((look.spent += normalizingStep * 16) >= look.limit) yield
  look.form = normalizing?.form()
  const normal = look.form?.text ?? text
  const places: [number, number][] = []
  if (list.words !== undefined) {
    for (let from = 0; from < normal.length; from += wordsStep) {
      if (look.spent >= look.limit) yield
      wordsBetween(list.words, normal, from, Math.min(normal.length, from + wordsStep), places)
      look.spent += Math.min(normal.length - from, wordsStep)
    }
  }
  for (const pattern of list.patterns) {
    let after = 0
    for (let from = 0; from < normal.length; from += pattern.window) {
      if (look.spent >= look.limit) yield
      after = pattern.find(normal, from, after, places)
      look.spent += Math.min(normal.length - from, pattern.window + longestMatch) * pattern.cost
    }
  }
  for (const [start, end] of places) look.matches.push(matched(list, start, end))
}

function wordsBetween(words: WordList, text: string, from: number, to: number, places: [number, number][]): void {
  for (let i = from; i < to; i++) {
    if (!words.begins(text.charCodeAt(i))) continue
    const end = words.endAt(text, i)
    if (end > i) places.push([i, end])
  }
}

function matched({ name }: List, start: number, end: number): Match {
  return { type: `KEYWORD:${name}`, rule: name, start, end, confidence: 1, severity: 'medium' }
}

/** A word at the very end is pending too: a letter may follow and make it another word. */
function pendingIn({ words, patterns }: List, text: string): number {
  let least = text.length
  if (words !== undefined) {
    for (let i = Math.max(0, text.length - longestMatch); i < least; i++) {
      if (words.begins(text.charCodeAt(i)) && words.isBegun(text, i)) least = i
    }
  }
  for (const pattern of patterns) least = Math.min(least, pattern.pendingFrom(text))
  return least
}

const foreign = /[^\x00-\x7f]/
const wordsStep = 65_536
const normalizingStep = 16_384
