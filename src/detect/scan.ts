import type { Match } from '../core/verdict.ts'
import type { Compiled } from './compiled.ts'
import { confirm } from './confirm.ts'
import { colonRunAt, emailStart, hasAssignment, insideWord, numberAt, schemeStart } from './places.ts'
import { marks, markWords } from './plan.ts'
import type { Group, Keyword, Plan } from './plan.ts'

/** All matches of a text in normal form, overlapping ones too. */
export function scan(plan: Plan, text: string, key: string): Match[] {
  const walk: Walk = { plan, text, key, found: [], number: 0, colon: 0 }
  const { next, columns, accepting, words } = plan.automaton
  let state = 0
  for (let i = 0; i < text.length; i++) {
    state = next[state + (columns[text.charCodeAt(i)] as number)] as number
    if (state >= accepting) {
      for (const word of words(state)) onWord(walk, word, i)
    }
  }
  return walk.found
}

/** Tries the rules of a group at one place. */
export function tryGroup(group: Group, text: string, at: number, key: string, found: Match[]): void {
  const { any } = group
  if (any === undefined) return
  any.lastIndex = at
  if (!any.test(text)) return
  for (const rule of group.rules) tryHere(rule, text, at, key, found)
}

type Walk = {
  readonly plan: Plan
  readonly text: string
  readonly key: string
  readonly found: Match[]
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
    if (start < i) tryGroup(walk.plan.at, walk.text, start, walk.key, walk.found)
  } else {
    const start = schemeStart(walk.text, i - 2)
    if (start < i - 2) tryGroup(walk.plan.url, walk.text, start, walk.key, walk.found)
  }
}

function onKeyword(walk: Walk, keyword: Keyword, i: number): void {
  const { text, key, found } = walk
  const start = i + 1 - keyword.length
  if (keyword.bounded && insideWord(text, start)) return
  for (const rule of keyword.leading) tryHere(rule, text, start, key, found)
  if (keyword.assigned.length > 0 && hasAssignment(text, i + 1)) {
    for (const rule of keyword.assigned) tryHere(rule, text, start, key, found)
  }
  for (const rule of keyword.middle) searchRound(rule, text, start, i + 1, key, found)
}

function onDigit(walk: Walk, i: number): void {
  const { plan, text, key, found } = walk
  const number = numberAt(text, i)
  walk.number = number.end
  if (number.digits < 4) return
  if (number.start === i) tryGroup(plan.digitFirst, text, i, key, found)
  else if (number.start >= 0) tryGroup(plan.letterFirst, text, number.start, key, found)
  if (number.letters < number.start) tryGroup(plan.letterFirst, text, number.letters, key, found)
  if (number.start === i) tryGroup(plan.phone, text, number.phone, key, found)
}

function onColon(walk: Walk, i: number): void {
  const run = colonRunAt(walk.text, i)
  if (run === undefined) return
  walk.colon = run.end
  tryGroup(walk.plan.colon, walk.text, run.start, walk.key, walk.found)
}

function tryHere(rule: Compiled, text: string, at: number, key: string, found: Match[]): void {
  const { here } = rule
  here.lastIndex = at
  if (rule.group === 0 && rule.trigger === undefined && !here.test(text)) return
  here.lastIndex = at
  const result = here.exec(text)
  if (result !== null) add(rule, result, 0, text, key, found)
}

/** The window begins and ends so far from the keyword that a match in it is one of the whole text. */
function searchRound(rule: Compiled, text: string, start: number, end: number, key: string, found: Match[]): void {
  const from = Math.max(0, start - Math.min(rule.maxLength, 256) - 2)
  const window = text.slice(from, end + rule.maxLength + 2)
  rule.search.lastIndex = 0
  for (let result = rule.search.exec(window); result !== null; result = rule.search.exec(window)) {
    if (result.index + from > start) return
    if (result.index + result[0].length + from >= end) add(rule, result, from, text, key, found)
    if (result[0] === '') rule.search.lastIndex++
  }
}

function add(rule: Compiled, result: RegExpExecArray, from: number, text: string, key: string, found: Match[]): void {
  const value = rule.group === 0 ? undefined : result.indices?.[rule.group]
  if (rule.group !== 0 && value === undefined) return
  const start = from + (value?.[0] ?? result.index)
  const end = from + (value?.[1] ?? result.index + result[0].length)
  const last = found.findLast((match) => match.rule === rule.id)
  if (last !== undefined && last.start === start && last.end === end) return
  const match = confirm(rule, text, start, end, key)
  if (match !== undefined) found.push(match)
}
