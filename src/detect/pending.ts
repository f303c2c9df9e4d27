import type { Compiled } from './compiled.ts'
import { inContext } from './confirm.ts'
import {
  domainStart,
  hasAssignment,
  hexGroup,
  insideWord,
  isWord,
  localStart,
  numbersFrom,
  schemeStart,
  solidFrom,
} from './places.ts'
import { matchesAt } from './group.ts'
import type { Group } from './group.ts'
import { marks, markWords } from './plan.ts'
import type { Keyword, Plan } from './plan.ts'
import type { Candidate } from './scan.ts'
import { PIECE, wordEnds } from './word-ends.ts'

/**
 * The smallest index from which a text in normal form could be the beginning of a match; its length when there is none. `noted` is
 * the state at its end, when the plan's notes tell where words end in all of it. `from`: when the text was shorter no value could
 * begin before it. What is no beginning of a match does not become one when more follows. `reach` is moved to where the first match
 * begins that may go on far before its value.
 */
export function pendingIn(
  plan: Plan,
  text: string,
  noted?: number,
  from = 0,
  reach: Reach = { from: text.length },
): number {
  const tail: Tail = { plan, text, from, solid: solidFrom(text), reach }
  let least = plan.at.free.length === 0 ? text.length : emailPending(text)
  least = Math.min(least, wordsPending(tail, noted))
  least = numbersPending(tail, least)
  for (const rule of plan.middle) least = middlePending(tail, rule, least)
  return least
}

/** The same for matches that begin with a keyword only. */
export function keywordsPendingIn(plan: Plan, text: string): number {
  return wordsPending({ plan, text, from: 0, solid: solidFrom(text), reach: { from: 0 } }, undefined)
}

/** Whether more text could change or deny a match that was found. */
export function isOpen({ rule, at }: Candidate, text: string): boolean {
  if (text.length - at > rule.maxLength + rule.lookAhead) return false
  rule.open.lastIndex = at
  return rule.open.test(text)
}

/** Where a text has to be kept from, though all before a later place is decided. */
export type Reach = { from: number }

/** `solid`: behind the last white space or quotation mark. */
type Tail = {
  readonly plan: Plan
  readonly text: string
  readonly from: number
  readonly solid: number
  readonly reach: Reach
}

/** A local part, or a local part with @ and the beginning of a domain. */
function emailPending(text: string): number {
  const at = domainStart(text, text.length) - 1
  if (text[at] === '@') {
    const start = localStart(text, at)
    return start === at ? text.length : start
  }
  const literal = text.lastIndexOf('@[')
  const open = literal !== -1 && text.length - literal < 56 && literalBeginning.test(text.slice(literal))
  return localStart(text, open ? literal : text.length)
}

function wordsPending(tail: Tail, noted: number | undefined): number {
  const { plan, text } = tail
  const { automaton, notes, prefix, wanted } = plan
  wanted.fill(never)
  let least = noted === undefined ? text.length : notedPending(tail, text.length)
  let state = noted ?? 0
  for (let at = noted === undefined ? 0 : text.length; at < text.length; at += PIECE) {
    state = wordEnds(automaton, text, at, Math.min(text.length, at + PIECE), state, notes)
    notes.of = undefined
    least = notedPending(tail, least)
  }
  const anywhere = prefix(state, Infinity, 2, text)
  let depth = prefix(state, Infinity, 1, text)
  while (depth > anywhere && insideWord(text, text.length - depth)) depth = prefix(state, depth, 1, text)
  return Math.min(least, text.length - Math.max(depth, anywhere))
}

/** Also marks where words stand that rules want before their match. */
function notedPending(tail: Tail, least: number): number {
  const { plan } = tail
  const { accepting } = plan.automaton
  const { ends, length } = plan.notes
  for (let e = 0; e < length; e += 2) {
    const words = plan.endings[(ends[e + 1] as number) - accepting] as readonly number[]
    for (const word of words) least = wordPending(tail, word, ends[e] as number, least)
  }
  return least
}

function wordPending(tail: Tail, word: number, i: number, least: number): number {
  const { plan, text } = tail
  const { shared, stands } = plan.automaton
  if (shared[word] === 1 && !stands(word, text, i)) return least
  if (word >= markWords.length) {
    const keyword = plan.keywords[word - markWords.length] as Keyword
    for (const number of keyword.wantedBy) plan.wanted[number] = i
    for (const number of keyword.opens) {
      least = openedPending(tail, plan.middle[number] as Compiled, i + 1 - keyword.length, least)
    }
    return keyword.onlyWanted ? least : keywordPending(tail, keyword, i, least)
  }
  return word === marks.url ? groupPending(tail, plan.url, schemeStart(text, i - 2), least) : least
}

function keywordPending(tail: Tail, keyword: Keyword, i: number, least: number): number {
  const { text } = tail
  const start = i + 1 - keyword.length
  if (start >= least || (keyword.bounded && insideWord(text, start))) return least
  for (const rule of keyword.leading) least = rulePending(tail, rule, start, least)
  if (keyword.assigned.length > 0 && (hasAssignment(text, i + 1) || text.length - i < 48)) {
    for (const rule of keyword.assigned) least = rulePending(tail, rule, start, least)
  }
  return least
}

/** Numbers, identifiers, phone numbers, addresses with colons: the places near the end where one may begin. */
function numbersPending(tail: Tail, least: number): number {
  const { plan, text } = tail
  for (let i = numbersFrom(text); i < least; i++) {
    const code = text.charCodeAt(i)
    const digit = code > 47 && code < 58
    if (isWord(code)) {
      if (i > 0 && isWord(text.charCodeAt(i - 1))) continue
      least = groupPending(tail, digit ? plan.digitFirst : plan.letterFirst, i, least)
      if (digit) least = groupPending(tail, plan.phone, i, least)
      if (hexGroup(text, i)) least = groupPending(tail, plan.colon, i, least)
    } else if (code === 43 || code === 40) least = groupPending(tail, plan.phone, i, least)
    else if (code === 58) least = groupPending(tail, plan.colon, i, least)
  }
  return least
}

/** Rules that want a word before their match are tried only where one could be near enough. */
function groupPending(tail: Tail, group: Group, at: number, least: number): number {
  const { plan, text } = tail
  if (at >= least || (at < tail.from && !group.valued)) return least
  if (matchesAt(group.freeBeginning, text, at)) {
    for (const rule of group.free) least = rulePending(tail, rule, at, least)
  }
  for (const { rule, number, within } of group.wanting.values()) {
    if (at - (plan.wanted[number] as number) <= within) least = rulePending(tail, rule, at, least)
  }
  return least
}

/** The beginning of the value when a match that begins at `at` is under way, if it is less than `least`. */
function rulePending({ text, from, reach }: Tail, rule: Compiled, at: number, least: number): number {
  if (at >= least || text.length - at > rule.maxLength + rule.lookAhead || (at < from && rule.group === 0)) return least
  if (at < reach.from && text.length - at > near && rule.group > 0 && rule.lookBack > near) {
    rule.open.lastIndex = at
    if (rule.open.test(text)) reach.from = at
  }
  const { beginning } = rule
  beginning.lastIndex = at
  let start = at
  if (rule.group === 0) {
    if (!beginning.test(text)) return least
  } else {
    const marked = beginning.exec(text)?.indices
    if (marked === undefined) return least
    start = least
    for (let mark = 1; mark < marked.length; mark++) start = Math.min(start, marked[mark]?.[0] ?? least)
  }
  return start < least && inContext(rule, text, start, '') ? start : least
}

/** The keyword may still come. Behind its opener `openedPending` looks; here, whether one is under way with something before it. */
function middlePending(tail: Tail, rule: Compiled, least: number): number {
  const { length } = tail.text
  if (rule.openers === undefined) return betweenPending(tail, rule, 0, length, least)
  const { longest, before } = rule.openers
  return before === 0 ? least : betweenPending(tail, rule, length - before - longest, length, least)
}

function openedPending(tail: Tail, rule: Compiled, opener: number, least: number): number {
  return betweenPending(tail, rule, opener - (rule.openers?.before ?? 0), opener + 1, least)
}

/** Any place in [first, behind) from which the pattern's beginning reaches the end. */
function betweenPending(tail: Tail, rule: Compiled, first: number, behind: number, least: number): number {
  const { text } = tail
  const reach =
    text.length - (rule.openers === undefined ? Math.min(rule.maxLength, 256) : rule.maxLength) - rule.lookAhead
  const from = Math.max(first, 0, reach, rule.solid ? tail.solid : 0, rule.group === 0 ? tail.from : 0)
  const { firsts } = rule
  for (let i = from; i < behind && i < least; i++) {
    const first = text.charCodeAt(i)
    if (firsts[first] === 0 || (i + 1 < text.length && !rule.beginsWithPair(first, text.charCodeAt(i + 1)))) continue
    if (rule.bounded && insideWord(text, i)) continue
    const start = rulePending(tail, rule, i, text.length)
    if (start < text.length) return Math.min(start, least)
  }
  return least
}

const literalBeginning = /^@\[[\w:.]*\]?$/
const never = -1_000
// So much before a value is always there.
const near = 128
