import type { Match } from '../core/verdict.ts'
import { SHIFT } from './automaton.ts'
import type { Compiled } from './compiled.ts'
import { confirm } from './confirm.ts'
import { DIGIT, isShut, OPENER } from './gates.ts'
import {
  colonRunAt,
  digitsFrom,
  emailStart,
  hasAssignment,
  insideWord,
  isInsidePair,
  numberAt,
  schemeStart,
  wordEnd,
} from './places.ts'
import { matchesAt } from './group.ts'
import type { Group } from './group.ts'
import { marks, markWords } from './plan.ts'
import type { Keyword, Plan } from './plan.ts'
import { PIECE, wordEnds } from './word-ends.ts'

/** `at`: where what the pattern matched begins; the value may begin later. */
export type Candidate = { readonly rule: Compiled; readonly match: Match; readonly at: number }

/** A text in normal form on its way through the rules of a plan. */
export type Scan = {
  /** Looks at `chars` more characters of the text, fewer where they cost much; false when that was the last of it. */
  readonly advance: (chars: number) => boolean
  /** All matches, once nothing is left to look at; those of one rule do not overlap, those of different rules may. */
  readonly found: readonly Candidate[]
  /** What was done so far, in characters of ordinary cost. */
  readonly spent: () => number
  /** The state at the end of the text. */
  readonly state: () => number
  /** The least place of a value whose check reads behind the end of the text: what it says is not certain. */
  readonly unsure: () => number
  /** Where keywords stand with which a secret begins, in order. */
  readonly prefixes: readonly number[]
}

/** `key` is the name under which the text stands. */
export function scan(plan: Plan, text: string, key: string): Scan {
  const walk: Walk = {
    plan,
    text,
    key,
    found: [],
    prefixes: [],
    ends: undefined,
    end: 0,
    words: [],
    wordEnds: [],
    tried: undefined,
    turn: 0,
    opened: undefined,
    inKey: key === '' ? nobody : undefined,
    number: 0,
    colon: 0,
    tries: 0,
    unsure: text.length,
  }
  let at = 0
  let state = 0
  let spent = 0
  // Where rules are tried at every other character a piece would take long.
  let piece = PIECE
  const advance = (chars: number): boolean => {
    const limit = spent + chars
    while (at < text.length && spent < limit) {
      let end = Math.min(text.length, at + Math.min(piece, limit - spent))
      state = wordEnds(plan.automaton, text, at, end, state, plan.notes)
      plan.notes.of = end - at === text.length ? scanned : undefined
      const stopped = onWords(walk)
      if (stopped !== -1) {
        const { ends } = plan.notes
        end = (ends[stopped] as number) + 1
        state = ends[stopped + 1] as number
        plan.notes.of = undefined
      }
      const cost = end - at + walk.tries * tryCost
      piece = cost > costly * (end - at) ? SMALL_PIECE : PIECE
      spent += cost
      walk.tries = 0
      at = end
    }
    return at < text.length
  }
  const scanned: Scan = {
    advance,
    found: walk.found,
    spent: () => spent,
    state: () => state,
    unsure: () => walk.unsure,
    prefixes: walk.prefixes,
  }
  return scanned
}

type Walk = {
  readonly plan: Plan
  readonly text: string
  readonly key: string
  readonly found: Candidate[]
  readonly prefixes: number[]
  /** Where the last match of a rule ends. */
  ends: Map<Compiled, number> | undefined
  /** Where the last match of all ends. */
  end: number
  /** The latest words that rules want before their match, and where they ended. */
  words: Keyword[]
  wordEnds: number[]
  /** By number of the rule: for which group at which place it was tried last, as these are counted. */
  tried: Int32Array | undefined
  turn: number
  /** Where openers of rules ended last, by number of the rule. */
  opened: Int32Array | undefined
  /** Numbers of the rules that find their words in the key; undefined as long as nobody asked. */
  inKey: ReadonlySet<number> | undefined
  /** Numbers before this place have been looked at; so have groups with colons. */
  number: number
  colon: number
  /** How often an expression was tried since the last piece. */
  tries: number
  unsure: number
}

/** Where among the notes it stopped, because there was enough to do before others have their turn; -1 at their end. */
function onWords(walk: Walk): number {
  const { endings, gates, automaton, keywords, notes } = walk.plan
  const { accepting } = automaton
  const { ends, length } = notes
  for (let e = 0; e < length; e += 2) {
    const ending = (ends[e + 1] as number) - accepting
    const i = ends[e] as number
    const kind = gates.kinds[ending] as number
    if (kind !== 0) {
      if (kind === DIGIT ? i < walk.number : isShut(gates, ending, walk.text, i)) continue
      if ((kind & OPENER) !== 0) {
        noteOpener(walk, keywords[(endings[ending]?.[0] as number) - markWords.length] as Keyword, i)
        continue
      }
    }
    const words = endings[ending] as readonly number[]
    for (let w = 0; w < words.length; w++) onWord(walk, words[w] as number, i)
    if (walk.tries > mostTries && e + 2 < length) return e
  }
  return -1
}

function onWord(walk: Walk, word: number, i: number): void {
  const { shared, stands } = walk.plan.automaton
  if (shared[word] === 1 && !stands(word, walk.text, i)) return
  if (word >= markWords.length) return onKeyword(walk, walk.plan.keywords[word - markWords.length] as Keyword, i)
  if (word >= marks.digits) {
    if (i >= walk.number) onDigit(walk, i)
  } else if (word === marks.colon) {
    if (i >= walk.colon) onColon(walk, i)
  } else if (word === marks.at) {
    const start = emailStart(walk.text, i)
    if (start < i) tryGroup(walk, walk.plan.at, start)
  } else {
    const start = schemeStart(walk.text, i - 2)
    if (start < i - 2) tryGroup(walk, walk.plan.url, start)
  }
}

function onKeyword(walk: Walk, keyword: Keyword, i: number): void {
  const start = i + 1 - keyword.length
  const { wantedBy } = keyword
  if (wantedBy.length > 0 && countsAsWord(keyword, walk.text, start, i + 1)) {
    if (walk.words.length === mostWords) {
      walk.words = walk.words.slice(mostWords / 2)
      walk.wordEnds = walk.wordEnds.slice(mostWords / 2)
    }
    walk.words.push(keyword)
    walk.wordEnds.push(i)
  }
  if (keyword.opens.length > 0) noteOpener(walk, keyword, i)
  if (keyword.onlyWanted) return
  if (keyword.bounded && insideWord(walk.text, start)) return
  if (keyword.leading[0]?.secret === true && walk.prefixes.length < mostPrefixes) walk.prefixes.push(start)
  if (keyword.leading.length > 0 && goesOn(keyword, walk.text, start)) {
    for (const rule of keyword.leading) tryHere(walk, rule, start)
  }
  if (keyword.assigned.length > 0 && hasAssignment(walk.text, i + 1)) {
    for (const rule of keyword.assigned) tryHere(walk, rule, start)
  }
  for (const { rule, opener } of keyword.middle) {
    if (opener === -1 || (walk.opened?.[opener] ?? never) >= windowStart(rule, start))
      searchRound(walk, rule, start, i + 1)
  }
}

/** Whether one of the rules that a keyword leads can have this character behind it. */
function goesOn(keyword: Keyword, text: string, start: number): boolean {
  const { word, leading, after, afterSmall } = keyword
  const code = text.charCodeAt(start + word.length)
  if (!(code < 128)) return true
  const known = after[code] === cannot ? cannot : (afterSmall[code] as number)
  if (known === cannot) return after[code] === cannot ? false : !text.startsWith(word, start)
  if (known === can) return true
  const small = word + String.fromCharCode(code)
  after[code] = leading.some((rule) => rule.startsWith(small)) ? can : cannot
  afterSmall[code] = leading.some((rule) => rule.startsWithThis(small)) ? can : cannot
  return goesOn(keyword, text, start)
}

function noteOpener(walk: Walk, { opens }: Keyword, i: number): void {
  const opened = (walk.opened ??= new Int32Array(walk.plan.middle.length).fill(never))
  for (let n = 0; n < opens.length; n++) opened[opens[n] as number] = i
}

/** What the words of a context are then asked is no less: so much can be known at once. */
function countsAsWord(keyword: Keyword, text: string, start: number, end: number): boolean {
  if (!keyword.heads) return true
  const before = text.charCodeAt(start - 1)
  if (isLetter(before) && (isCapital(before) || !isCapital(text.charCodeAt(start))) && insideWord(text, start))
    return false
  return !keyword.whole || !isLetter(text.charCodeAt(end)) || isCapital(text.charCodeAt(end))
}

function onDigit(walk: Walk, i: number): void {
  const { plan } = walk
  if (digitsFrom(walk.text, i) < 4) {
    walk.number = wordEnd(walk.text, i)
    return
  }
  const number = numberAt(walk.text, i)
  walk.number = number.end
  if (number.start === i) tryGroup(walk, plan.digitFirst, i)
  else if (number.start >= 0) tryGroup(walk, plan.letterFirst, number.start)
  if (number.letters < number.start) tryGroup(walk, plan.letterFirst, number.letters)
  if (number.start === i) tryGroup(walk, plan.phone, number.phone)
}

function onColon(walk: Walk, i: number): void {
  const run = colonRunAt(walk.text, i)
  if (run === undefined) return
  walk.colon = run.end
  tryGroup(walk, walk.plan.colon, run.start)
}

function tryGroup(walk: Walk, group: Group, at: number): void {
  walk.tries += groupTries
  if (matchesAt(group.any, walk.text, at)) for (const rule of group.free) tryHere(walk, rule, at)
  if (group.wanting.size === 0) return
  const { words, wordEnds } = walk
  const tried = walk.words.length === 0 ? undefined : (walk.tried ??= new Int32Array(walk.plan.wanting))
  const turn = ++walk.turn
  for (let w = words.length - 1; w >= 0 && at - (wordEnds[w] as number) <= group.widest; w--) {
    for (const number of (words[w] as Keyword).wantedBy) {
      // The nearest of its words has been asked already.
      if (tried === undefined || tried[number] === turn) continue
      tried[number] = turn
      tryWanting(walk, group, number, at, at - (wordEnds[w] as number))
    }
  }
  const inKey = (walk.inKey ??= wantedIn(walk.plan, walk.key))
  for (const number of inKey) tryWanting(walk, group, number, at, 0)
}

function tryWanting(walk: Walk, group: Group, number: number, at: number, distance: number): void {
  const wanting = group.wanting.get(number)
  if (wanting !== undefined && distance <= wanting.within) tryHere(walk, wanting.rule, at)
}

function wantedIn({ automaton, endings, keywords }: Plan, key: string): ReadonlySet<number> {
  const { next, columns, accepting, shared, stands } = automaton
  const numbers = new Set<number>()
  let state = 0
  for (let i = 0; i < key.length; i++) {
    state = next[(state << SHIFT) + (columns[key.charCodeAt(i)] as number)] as number
    if (state < accepting) continue
    for (const word of endings[state - accepting] as readonly number[]) {
      if (shared[word] === 1 && !stands(word, key, i)) continue
      for (const number of keywords[word - markWords.length]?.wantedBy ?? []) numbers.add(number)
    }
  }
  return numbers
}

function tryHere(walk: Walk, rule: Compiled, at: number): void {
  if (at < walk.end && at < (walk.ends?.get(rule) ?? 0)) return
  walk.tries++
  rule.here.lastIndex = at
  const result = rule.here.exec(walk.text)
  if (result !== null) add(walk, rule, result, 0)
}

/** The window begins and ends so far from the keyword that a match in it is one of the whole text. */
function searchRound(walk: Walk, rule: Compiled, start: number, end: number): void {
  if (start < walk.end && start < (walk.ends?.get(rule) ?? 0)) return
  const from = windowStart(rule, start)
  walk.tries++
  const first = firstPlace(rule, walk.text, from, start)
  if (first > start) return
  const window = walk.text.slice(from, end + rule.maxLength + 2)
  walk.tries += searchTries
  rule.search.lastIndex = first - from
  for (let result = rule.search.exec(window); result !== null; result = rule.search.exec(window)) {
    if (result.index + from > start) return
    if (result.index + result[0].length + from >= end) return add(walk, rule, result, from)
    if (result[0] === '') rule.search.lastIndex++
  }
}

function windowStart(rule: Compiled, start: number): number {
  return Math.max(0, start - Math.min(rule.maxLength, 256) - 2)
}

/** The first place in [from, to] where a match of the rule can begin; beyond when there is none. */
function firstPlace({ firsts }: Compiled, text: string, from: number, to: number): number {
  let at = from
  while (at <= to && firsts[text.charCodeAt(at)] === 0) at++
  return at
}

function add(walk: Walk, rule: Compiled, result: RegExpExecArray, from: number): void {
  if (isNumber(rule) && !hasDigits(result[0])) return
  const value = rule.group === 0 ? undefined : result.indices?.[rule.group]
  if (rule.group !== 0 && value === undefined) return
  const first = from + (value?.[0] ?? result.index)
  const last = from + (value?.[1] ?? result.index + result[0].length)
  const start = isInsidePair(walk.text, first) ? first - 1 : first
  const end = isInsidePair(walk.text, last) ? last + 1 : last
  walk.tries += confirmTries + (end - start) / 16
  if (rule.check !== undefined && end + 8 > walk.text.length && end + rule.lookAhead > walk.text.length)
    walk.unsure = Math.min(walk.unsure, start)
  const match = confirm(rule, walk.text, start, end, walk.key)
  if (match === undefined) return
  walk.found.push({ rule, match, at: from + result.index })
  walk.ends ??= new Map()
  walk.ends.set(rule, end)
  walk.end = Math.max(walk.end, end)
}

function isNumber({ trigger }: Compiled): boolean {
  return trigger === 'digits' || trigger === 'phone'
}

/** Four digits made the engine look: those of what stands behind would not be a reason. */
function hasDigits(matched: string): boolean {
  let digits = 0
  for (let i = 0; i < matched.length && digits < 4; i++) {
    const code = matched.charCodeAt(i)
    if (code > 47 && code < 58) digits++
  }
  return digits === 4
}

const never = -1_000
const can = 1
const cannot = 2
// What an expression costs, in characters of ordinary cost, and what others cost in such tries.
const tryCost = 64
const searchTries = 3
const groupTries = 2
const confirmTries = 3
const mostTries = 1_024
const costly = 8
const SMALL_PIECE = 256
const mostPrefixes = 16_384
// More than end in the 512 characters that a rule can look back.
const mostWords = 2_048
const nobody: ReadonlySet<number> = new Set()

function isLetter(code: number): boolean {
  return (code > 64 && code < 91) || (code > 96 && code < 123)
}

function isCapital(code: number): boolean {
  return code > 64 && code < 91
}
