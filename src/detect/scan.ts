import type { Match } from '../core/verdict.ts'
import type { Compiled } from './compiled.ts'
import { confirm } from './confirm.ts'
import { colonRunAt, emailStart, hasAssignment, insideWord, numberAt, schemeStart } from './places.ts'
import { marks, markWords } from './plan.ts'
import type { Group, Keyword, Plan } from './plan.ts'

/** All matches of a text in normal form; those of one rule do not overlap, those of different rules may. */
export function scan(plan: Plan, text: string, key: string): Match[] {
  const wanted = new Int32Array(plan.wanting).fill(never)
  const walk: Walk = { plan, text, key, found: [], ends: new Map(), wanted, lastWanted: never, number: 0, colon: 0 }
  const { next, columns, accepting, words } = plan.automaton
  let state = 0
  for (let i = 0; i < text.length; i++) {
    state = next[state + (columns[text.charCodeAt(i)] as number)] as number
    if (state < accepting) continue
    const ending = words(state)
    for (let w = 0; w < ending.length; w++) onWord(walk, ending[w] as number, i)
  }
  return walk.found
}

type Walk = {
  readonly plan: Plan
  readonly text: string
  readonly key: string
  readonly found: Match[]
  /** Where the last match of a rule ends. */
  readonly ends: Map<Compiled, number>
  /** Where words that rules want before their match ended last: by number of the rule, and of any. */
  readonly wanted: Int32Array
  lastWanted: number
  /** Numbers before this place have been looked at; so have groups with colons. */
  number: number
  colon: number
}

function onWord(walk: Walk, word: number, i: number): void {
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
  if (wantedBy.length > 0) {
    for (let w = 0; w < wantedBy.length; w++) walk.wanted[wantedBy[w] as number] = i
    walk.lastWanted = i
    if (keyword.onlyWanted) return
  }
  if (keyword.bounded && insideWord(walk.text, start)) return
  for (const rule of keyword.leading) tryHere(walk, rule, start)
  if (keyword.assigned.length > 0 && hasAssignment(walk.text, i + 1)) {
    for (const rule of keyword.assigned) tryHere(walk, rule, start)
  }
  for (const rule of keyword.middle) searchRound(walk, rule, start, i + 1)
}

function onDigit(walk: Walk, i: number): void {
  const { plan } = walk
  const number = numberAt(walk.text, i)
  walk.number = number.end
  if (number.digits < 4) return
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
  const { any } = group
  if (any !== undefined) {
    any.lastIndex = at
    if (any.test(walk.text)) for (const rule of group.free) tryHere(walk, rule, at)
  }
  if (group.wanting.length === 0 || (walk.key === '' && at - walk.lastWanted > widest)) return
  for (const { rule, number, within } of group.wanting) {
    if (walk.key !== '' || at - (walk.wanted[number] as number) <= within) tryHere(walk, rule, at)
  }
}

function tryHere(walk: Walk, rule: Compiled, at: number): void {
  if (at < (walk.ends.get(rule) ?? 0)) return
  rule.here.lastIndex = at
  const result = rule.here.exec(walk.text)
  if (result !== null) add(walk, rule, result, 0)
}

/** The window begins and ends so far from the keyword that a match in it is one of the whole text. */
function searchRound(walk: Walk, rule: Compiled, start: number, end: number): void {
  if (start < (walk.ends.get(rule) ?? 0)) return
  const from = Math.max(0, start - Math.min(rule.maxLength, 256) - 2)
  const window = walk.text.slice(from, end + rule.maxLength + 2)
  rule.search.lastIndex = 0
  for (let result = rule.search.exec(window); result !== null; result = rule.search.exec(window)) {
    if (result.index + from > start) return
    if (result.index + result[0].length + from >= end) return add(walk, rule, result, from)
    if (result[0] === '') rule.search.lastIndex++
  }
}

function add(walk: Walk, rule: Compiled, result: RegExpExecArray, from: number): void {
  const value = rule.group === 0 ? undefined : result.indices?.[rule.group]
  if (rule.group !== 0 && value === undefined) return
  const start = from + (value?.[0] ?? result.index)
  const end = from + (value?.[1] ?? result.index + result[0].length)
  const match = confirm(rule, walk.text, start, end, walk.key)
  if (match === undefined) return
  walk.found.push(match)
  walk.ends.set(rule, end)
}

/** The largest `within` a rule can have. */
const widest = 512
const never = -1_000
