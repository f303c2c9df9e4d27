import { atOnce } from '../lib/steps.ts'
import type { Steps } from '../lib/steps.ts'
import { automatonInSteps, bothCases } from './automaton.ts'
import type { Automaton, Prefix } from './automaton.ts'
import type { Compiled } from './compiled.ts'
import { DIGIT, HEAD, HUMP, OPENER, WHOLE } from './gates.ts'
import type { Gates } from './gates.ts'
import { groupOf } from './group.ts'
import type { Group } from './group.ts'
import { opensBefore } from './openers.ts'
import { newNotes } from './word-ends.ts'
import type { Notes } from './word-ends.ts'

/** Rules sorted by what makes the engine try them. */
export type Plan = {
  readonly automaton: Automaton
  /** By ending state: the marks and keywords that end there and mean something to these rules. */
  readonly endings: readonly (readonly number[])[]
  /** For the same. */
  readonly gates: Gates
  readonly prefix: Prefix
  /** By number of the keyword; the marks come first. */
  readonly keywords: readonly Keyword[]
  readonly at: Group
  readonly colon: Group
  readonly phone: Group
  /** Rules for numbers whose match begins with a digit, and with a letter. */
  readonly digitFirst: Group
  readonly letterFirst: Group
  readonly url: Group
  /** Rules whose keyword is in the middle of the match; their places here are their numbers. */
  readonly middle: readonly Compiled[]
  /** How many rules want words before their match. */
  readonly wanting: number
  /** Scratch paper for whoever scans; nothing in it is true for long. */
  readonly notes: Notes
  /** For the same: by number of the rule that wants words, where one ended last. */
  readonly wanted: Int32Array
}

export type Keyword = {
  readonly word: string
  readonly length: number
  /** By the character that follows: whether one of the leading rules can go on with it; 0 when nobody asked yet. */
  readonly after: Uint8Array
  /** The same where the keyword is written in small letters. */
  readonly afterSmall: Uint8Array
  /** Tried where the keyword begins. */
  readonly leading: readonly Compiled[]
  /** Tried there too, when an assignment follows. */
  readonly assigned: readonly Compiled[]
  /** Searched for in a window round it. */
  readonly middle: readonly Middle[]
  /** Numbers of the rules of which it is an opener. */
  readonly opens: readonly number[]
  /** None of its rules matches right after a letter or digit. */
  readonly bounded: boolean
  /** Numbers of the rules that want it before their match. */
  readonly wantedBy: readonly number[]
  readonly onlyWanted: boolean
  /** As a wanted word it counts at the beginning of a word only; at the end of one too. */
  readonly heads: boolean
  readonly whole: boolean
}

type About = Pick<Keyword, 'wantedBy' | 'opens' | 'heads' | 'whole'>

/** `opener`: the rule's number, if one of its openers must have stood before; else -1. */
export type Middle = { readonly rule: Compiled; readonly opener: number }

/** The words of many rules as one automaton, for plans of some of them. */
export type Vocabulary = { readonly words: readonly string[]; readonly automaton: Automaton }

/** Numbers of the marks among the keywords: the ten digits share one number. */
export const marks = { at: 0, colon: 1, url: 2, digits: 3 } as const

export function* vocabularyInSteps(rules: readonly Compiled[]): Steps<Vocabulary> {
  const words = new Set(rules.filter(isKeyed).flatMap((rule) => rule.keywords))
  for (const rule of rules) if (isMiddle(rule)) for (const word of rule.openers?.words ?? []) words.add(word)
  for (const rule of rules) if (isWanting(rule)) for (const word of rule.context?.openings ?? []) words.add(word)
  return { words: [...words], automaton: yield* automatonInSteps([...markWords, ...words], bothCases) }
}

export function vocabularyOf(rules: readonly Compiled[]): Vocabulary {
  return atOnce(vocabularyInSteps(rules))
}

/** What is found and what is pending does not depend on which rules share a plan. The vocabulary must have their words. */
export function planFor(rules: readonly Compiled[], vocabulary = vocabularyOf(rules)): Plan {
  return atOnce(planInSteps(rules, vocabulary))
}

export function* planInSteps(rules: readonly Compiled[], vocabulary: Vocabulary): Steps<Plan> {
  const wanting = rules.filter(isWanting)
  const middle = rules.filter(isMiddle)
  const keywords = yield* keywordsFor(vocabulary.words, rules.filter(isKeyed), wanting, middle)
  const groups = yield* groupsOf(rules, wanting)
  const live = (word: number): boolean => {
    if (word >= markWords.length) return isLive(keywords[word - markWords.length] as Keyword)
    if (word === marks.at) return groups.at.rules.length > 0
    if (word === marks.colon) return groups.colon.rules.length > 0
    if (word === marks.url) return groups.url.rules.length > 0
    return [groups.digitFirst, groups.letterFirst, groups.phone].some((numbers) => numbers.rules.length > 0)
  }
  const lives = Uint8Array.from({ length: markWords.length + keywords.length }, (_, word) => (live(word) ? 1 : 0))
  const isLiving = (word: number): boolean => lives[word] === 1
  const endings = vocabulary.automaton.endings.map((words) => (words.every(isLiving) ? words : words.filter(isLiving)))
  yield
  const gates = gatesOf({ endings, automaton: vocabulary.automaton }, keywords, middle)
  yield
  return {
    automaton: vocabulary.automaton,
    endings,
    gates,
    prefix: vocabulary.automaton.prefixes((word) => rankOf(keywords[word - markWords.length], middle)),
    keywords,
    ...groups,
    middle,
    wanting: wanting.length,
    notes: newNotes(),
    wanted: new Int32Array(wanting.length),
  }
}

type Groups = Pick<Plan, 'at' | 'colon' | 'phone' | 'digitFirst' | 'letterFirst' | 'url'>

function* groupsOf(rules: readonly Compiled[], wanting: readonly Compiled[]): Steps<Groups> {
  const triggered = (trigger: Compiled['trigger']): Compiled[] => rules.filter((rule) => rule.trigger === trigger)
  const digits = triggered('digits')
  yield
  const digitFirst = groupOf(
    digits.filter((rule) => rule.beginsWith('0123456789')),
    wanting,
  )
  yield
  const letterFirst = groupOf(
    digits.filter((rule) => rule.beginsWith('ABCDEFGHIJKLMNOPQRSTUVWXYZ')),
    wanting,
  )
  yield
  const [at, colon, phone, url] = (['at', 'colon', 'phone', 'url'] as const).map((trigger) =>
    groupOf(triggered(trigger), wanting),
  ) as [Group, Group, Group, Group]
  return { at, colon, phone, digitFirst, letterFirst, url }
}

function gatesOf(
  { endings, automaton }: Pick<Plan, 'endings' | 'automaton'>,
  keywords: readonly Keyword[],
  middle: readonly Compiled[],
): Gates {
  const kinds = new Uint8Array(endings.length)
  const lengths = new Uint16Array(endings.length)
  for (let ending = 0; ending < endings.length; ending++) {
    const words = endings[ending] as readonly number[]
    const [word] = words
    if (words.length !== 1 || word === undefined || word === marks.at || word === marks.colon || word === marks.url)
      continue
    const keyword = keywords[word - markWords.length]
    const kind = keyword === undefined ? DIGIT : gateOf(keyword, middle)
    kinds[ending] = automaton.shared[word] === 1 ? kind & ~OPENER : kind
    lengths[ending] = keyword?.length ?? 1
  }
  return { kinds, lengths }
}

function gateOf({ wantedBy, opens, onlyWanted, bounded, heads, whole }: Keyword, middle: readonly Compiled[]): number {
  if (wantedBy.length + opens.length === 0) return bounded ? HEAD : 0
  if (!onlyWanted) return 0
  if (opens.length === 0) return heads ? HEAD | HUMP | (whole ? WHOLE : 0) : 0
  if (wantedBy.length > 0) return 0
  const atHead = opens.every((number) => middle[number]?.bounded === true && middle[number].openers?.before === 0)
  return atHead ? HEAD | OPENER : OPENER
}

function* keywordsFor(
  words: readonly string[],
  keyed: readonly Compiled[],
  wanting: readonly Compiled[],
  middle: readonly Compiled[],
): Steps<Keyword[]> {
  const owners = new Map<string, Compiled[]>(words.map((word) => [word, []]))
  for (const rule of keyed) for (const word of new Set(rule.keywords)) owners.get(word)?.push(rule)
  const wantedBy = new Map<string, number[]>(words.map((word) => [word, []]))
  const inner = new Set<string>()
  const parts = new Set<string>()
  for (const [number, { context }] of wanting.entries()) {
    for (const word of context?.openings ?? []) {
      wantedBy.get(word)?.push(number)
      if (context?.whole.includes(word) !== true) parts.add(word)
    }
    for (const word of context?.inner ?? []) inner.add(word)
  }
  const opens = new Map<string, number[]>(words.map((word) => [word, []]))
  for (const [number, rule] of middle.entries())
    for (const word of rule.openers?.words ?? []) opens.get(word)?.push(number)
  const numbers = new Map(middle.map((rule, number) => [rule, number]))
  const about = (word: string): About => ({
    wantedBy: wantedBy.get(word) ?? [],
    opens: opens.get(word) ?? [],
    heads: !inner.has(word),
    whole: !inner.has(word) && !parts.has(word),
  })
  const keywords: Keyword[] = []
  for (const word of words) {
    if (keywords.length % stepWords === 0) yield
    keywords.push(keywordFor(word, owners.get(word) ?? [], numbers, about(word)))
  }
  return keywords
}

function keywordFor(
  word: string,
  own: readonly Compiled[],
  numbers: ReadonlyMap<Compiled, number>,
  about: About,
): Keyword {
  const leading = own.filter((rule) => rule.leading.has(word))
  return {
    word,
    length: word.length,
    after: new Uint8Array(leading.length === 0 ? 0 : 128),
    afterSmall: new Uint8Array(leading.length === 0 ? 0 : 128),
    leading: leading.filter((rule) => rule.trigger !== 'assign'),
    assigned: leading.filter((rule) => rule.trigger === 'assign'),
    middle: own
      .filter((rule) => !rule.leading.has(word))
      .map((rule) => {
        const opened = rule.openers !== undefined && opensBefore(rule.openers, word)
        return { rule, opener: opened ? (numbers.get(rule) as number) : -1 }
      }),
    bounded: own.every((rule) => rule.bounded && rule.leading.has(word)),
    onlyWanted: own.length === 0,
    ...about,
  }
}

/** How a keyword at the end of a text counts: 2, a match may begin with it; 1, unless it is inside a word. */
function rankOf(keyword: Keyword | undefined, middle: readonly Compiled[]): number {
  if (keyword === undefined) return 0
  const opened = keyword.opens.map((number) => middle[number] as Compiled).filter((rule) => rule.openers?.before === 0)
  const whole = [...keyword.leading, ...opened].filter((rule) => rule.group === 0)
  return whole.length === 0 ? 0 : whole.every((rule) => rule.bounded) ? 1 : 2
}

function isKeyed(rule: Compiled): boolean {
  return rule.trigger === undefined || rule.trigger === 'assign'
}

function isMiddle(rule: Compiled): boolean {
  return isKeyed(rule) && rule.keywords.some((word) => !rule.leading.has(word))
}

/** Rules with a trigger that match after certain words only. */
function isWanting(rule: Compiled): boolean {
  return rule.trigger !== undefined && rule.context?.required === true
}

function isLive(keyword: Keyword): boolean {
  return !keyword.onlyWanted || keyword.wantedBy.length > 0 || keyword.opens.length > 0
}

const stepWords = 256

export const markWords: readonly string[] = ['@', ':', '://', ...'0123456789']
