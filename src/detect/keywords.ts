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
  const normalizing = foreign.test(text) ? normalize(text) : undefined
  const matches: Match[] = []
  let form: NormalForm | undefined
  let spent = 0
  let limit = 0
  const steps = looking()
  return {
    advance: (chars) => {
      limit = spent + chars
      return steps.next().done !== true
    },
    found: () => [
      resolved(form === undefined ? matches : matches.map((match) => carriedBack(match, form as NormalForm))),
    ],
    pendingFrom: () => pendingFrom(text),
    spent: () => spent,
  }

  function* looking(): Generator<void, void> {
    while (normalizing?.advance(normalizingStep) === true) if ((spent += normalizingStep * 16) >= limit) yield
    form = normalizing?.form()
    const normal = form?.text ?? text
    const places: [number, number][] = []
    if (list.words !== undefined) {
      for (let from = 0; from < normal.length; from += wordsStep) {
        if (spent >= limit) yield
        wordsBetween(list.words, normal, from, Math.min(normal.length, from + wordsStep), places)
        spent += Math.min(normal.length - from, wordsStep)
      }
    }
    for (const pattern of list.patterns) {
      let after = 0
      for (let from = 0; from < normal.length; from += pattern.window) {
        if (spent >= limit) yield
        after = pattern.find(normal, from, after, places)
        spent += Math.min(normal.length - from, pattern.window + longestMatch) * pattern.cost
      }
    }
    for (const [start, end] of places) matches.push(matched(list, start, end))
  }
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
