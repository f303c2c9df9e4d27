import { automaton, bothCases } from './automaton.ts'
import type { Automaton } from './automaton.ts'
import { beginsWith } from './compiled.ts'
import type { Compiled } from './compiled.ts'

/** Rules sorted by what makes the engine try them. */
export type Plan = {
  readonly automaton: Automaton
  /** By number of the keyword; the marks come first. */
  readonly keywords: readonly Keyword[]
  readonly at: Group
  readonly colon: Group
  readonly phone: Group
  /** Rules for numbers whose match begins with a digit, and with a letter. */
  readonly digitFirst: Group
  readonly letterFirst: Group
  readonly url: Group
  /** Rules whose keyword is in the middle of the match. */
  readonly middle: readonly Compiled[]
  /** How many rules want words before their match. */
  readonly wanting: number
}

export type Keyword = {
  readonly length: number
  /** Tried where the keyword begins. */
  readonly leading: readonly Compiled[]
  /** Tried there too, when an assignment follows. */
  readonly assigned: readonly Compiled[]
  /** Searched for in a window round it. */
  readonly middle: readonly Compiled[]
  /** None of its rules matches right after a letter or digit. */
  readonly bounded: boolean
  /** Numbers of the rules that want it before their match. */
  readonly wantedBy: readonly number[]
  readonly onlyWanted: boolean
}

/** Rules that are tried together: `any` says in one go whether trying the free ones one by one is worth it. */
export type Group = {
  readonly rules: readonly Compiled[]
  readonly free: readonly Compiled[]
  /** Rules that only match after certain words, with their numbers. */
  readonly wanting: readonly Wanting[]
  readonly any: RegExp | undefined
  readonly anyBeginning: RegExp | undefined
}

type Wanting = { readonly rule: Compiled; readonly number: number; readonly within: number }

/** Numbers of the marks among the keywords: the ten digits share one number. */
export const marks = { at: 0, colon: 1, url: 2, digits: 3 } as const

export function planFor(rules: readonly Compiled[]): Plan {
  const triggered = (trigger: Compiled['trigger']): Compiled[] => rules.filter((rule) => rule.trigger === trigger)
  const keyed = rules.filter((rule) => rule.trigger === undefined || rule.trigger === 'assign')
  const wanting = rules.filter((rule) => rule.trigger !== undefined && rule.context?.required === true)
  const words = [
    ...new Set([...keyed.flatMap((rule) => rule.keywords), ...wanting.flatMap((rule) => rule.context?.openings ?? [])]),
  ]
  const keywords = words.map((word) => keywordFor(word, keyed, wanting))
  const rankOf = (index: number): number => {
    const keyword = keywords[index - markWords.length]
    if (keyword === undefined || !keyword.leading.some((rule) => rule.group === 0)) return 0
    return keyword.bounded ? 1 : 2
  }
  const digits = triggered('digits')
  return {
    automaton: automaton([...markWords, ...words], bothCases, rankOf),
    keywords,
    at: group(triggered('at'), wanting),
    colon: group(triggered('colon'), wanting),
    phone: group(triggered('phone'), wanting),
    digitFirst: group(
      digits.filter((rule) => beginsWith(rule, '0123456789')),
      wanting,
    ),
    letterFirst: group(
      digits.filter((rule) => beginsWith(rule, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ')),
      wanting,
    ),
    url: group(triggered('url'), wanting),
    middle: keyed.filter((rule) => rule.keywords.some((word) => !rule.leading.has(word))),
    wanting: wanting.length,
  }
}

function keywordFor(word: string, rules: readonly Compiled[], wanting: readonly Compiled[]): Keyword {
  const own = rules.filter((rule) => rule.keywords.includes(word))
  const leading = own.filter((rule) => rule.leading.has(word))
  return {
    length: word.length,
    leading: leading.filter((rule) => rule.trigger !== 'assign'),
    assigned: leading.filter((rule) => rule.trigger === 'assign'),
    middle: own.filter((rule) => !rule.leading.has(word)),
    bounded: own.every((rule) => rule.bounded && rule.leading.has(word)),
    onlyWanted: own.length === 0,
    wantedBy: [...wanting.keys()].filter((number) => wanting[number]?.context?.openings.includes(word)),
  }
}

function group(rules: readonly Compiled[], wanting: readonly Compiled[]): Group {
  const free = rules.filter((rule) => !wanting.includes(rule))
  const numbered = wanting.map((rule, number) => ({ rule, number, within: rule.context?.within ?? 0 }))
  return {
    rules,
    free,
    wanting: numbered.filter(({ rule }) => rules.includes(rule)),
    any: anyOf(free.map((rule) => rule.source)),
    anyBeginning: anyOf(rules.map((rule) => rule.beginningSource)),
  }
}

function anyOf(sources: readonly string[]): RegExp | undefined {
  return sources.length === 0 ? undefined : new RegExp(sources.map((source) => `(?:${source})`).join('|'), 'y')
}

export const markWords: readonly string[] = ['@', ':', '://', ...'0123456789']
