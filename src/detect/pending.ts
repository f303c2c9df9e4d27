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
import { marks, markWords, matchesAt } from './plan.ts'
import type { Group, Keyword, Plan } from './plan.ts'
import { PIECE, wordEnds } from './word-ends.ts'

/**
 * The smallest index from which a text in normal form could be the beginning of a match; its length when there is none. `noted` is
 * the state at its end, when the plan's notes tell where words end in all of it.
 */
export function pendingIn(plan: Plan, text: string, noted?: number): number {
  let least = plan.at.free.length === 0 ? text.length : emailPending(text)
  least = Math.min(least, wordsPending(plan, text, noted))
  least = numbersPending(plan, text, least)
  for (const rule of plan.middle) least = middlePending(rule, text, least)
  return least
}

/** A local part, or a local part with @ and the beginning of a domain. */
function emailPending(text: string): number {
  const at = domainStart(text, text.length) - 1
  const start = text[at] === '@' ? localStart(text, at) : localStart(text, text.length)
  return text[at] === '@' && start === at ? text.length : start
}

function wordsPending(plan: Plan, text: string, noted: number | undefined): number {
  const { automaton, notes, prefix, wanted } = plan
  wanted.fill(never)
  let least = noted === undefined ? text.length : notedPending(plan, text, text.length)
  let state = noted ?? 0
  for (let at = noted === undefined ? 0 : text.length; at < text.length; at += PIECE) {
    state = wordEnds(automaton, text, at, Math.min(text.length, at + PIECE), state, notes)
    notes.of = undefined
    least = notedPending(plan, text, least)
  }
  const anywhere = prefix(state, Infinity, 2)
  let depth = prefix(state, Infinity, 1)
  while (depth > anywhere && insideWord(text, text.length - depth)) depth = prefix(state, depth, 1)
  return Math.min(least, text.length - Math.max(depth, anywhere))
}

/** Also marks where words stand that rules want before their match. */
function notedPending(plan: Plan, text: string, least: number): number {
  const { accepting, stride } = plan.automaton
  const { ends, length } = plan.notes
  for (let e = 0; e < length; e += 2) {
    const words = plan.endings[((ends[e + 1] as number) - accepting) / stride] as readonly number[]
    for (const word of words) least = wordPending(plan, word, text, ends[e] as number, least)
  }
  return least
}

function wordPending(plan: Plan, word: number, text: string, i: number, least: number): number {
  if (word >= markWords.length) {
    const keyword = plan.keywords[word - markWords.length] as Keyword
    for (const number of keyword.wantedBy) plan.wanted[number] = i
    for (const number of keyword.opens) {
      least = openedPending(plan.middle[number] as Compiled, text, i + 1 - keyword.length, least)
    }
    return keyword.onlyWanted ? least : keywordPending(keyword, text, i, least)
  }
  return word === marks.url ? groupPending(plan, plan.url, text, schemeStart(text, i - 2), least) : least
}

function keywordPending(keyword: Keyword, text: string, i: number, least: number): number {
  const start = i + 1 - keyword.length
  if (start >= least || (keyword.bounded && insideWord(text, start))) return least
  for (const rule of keyword.leading) least = rulePending(rule, text, start, least)
  if (keyword.assigned.length > 0 && (hasAssignment(text, i + 1) || text.length - i < 48)) {
    for (const rule of keyword.assigned) least = rulePending(rule, text, start, least)
  }
  return least
}

/** Numbers, identifiers, phone numbers, addresses with colons: the places near the end where one may begin. */
function numbersPending(plan: Plan, text: string, least: number): number {
  for (let i = numbersFrom(text); i < least; i++) {
    const code = text.charCodeAt(i)
    const digit = code > 47 && code < 58
    if (isWord(code)) {
      if (i > 0 && isWord(text.charCodeAt(i - 1))) continue
      least = groupPending(plan, digit ? plan.digitFirst : plan.letterFirst, text, i, least)
      if (digit) least = groupPending(plan, plan.phone, text, i, least)
      if (hexGroup(text, i)) least = groupPending(plan, plan.colon, text, i, least)
    } else if (code === 43 || code === 40) least = groupPending(plan, plan.phone, text, i, least)
    else if (code === 58) least = groupPending(plan, plan.colon, text, i, least)
  }
  return least
}

/** Rules that want a word before their match are tried only where one could be near enough. */
function groupPending(plan: Plan, group: Group, text: string, at: number, least: number): number {
  if (at >= least) return least
  if (matchesAt(group.freeBeginning, text, at)) {
    for (const rule of group.free) least = rulePending(rule, text, at, least)
  }
  for (const { rule, number, within } of group.wanting.values()) {
    if (at - (plan.wanted[number] as number) <= within) least = rulePending(rule, text, at, least)
  }
  return least
}

/** The beginning of the value when a match that begins at `at` is under way, if it is less than `least`. */
function rulePending(rule: Compiled, text: string, at: number, least: number): number {
  const { beginning } = rule
  if (at >= least || text.length - at > rule.maxLength) return least
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
function middlePending(rule: Compiled, text: string, least: number): number {
  if (rule.openers === undefined) return betweenPending(rule, text, 0, text.length, least)
  const { words, before } = rule.openers
  if (before === 0) return least
  const reach = before + Math.max(...words.map((word) => word.length))
  return betweenPending(rule, text, text.length - reach, text.length, least)
}

function openedPending(rule: Compiled, text: string, opener: number, least: number): number {
  return betweenPending(rule, text, opener - (rule.openers?.before ?? 0), opener + 1, least)
}

/** Any place in [first, behind) from which the pattern's beginning reaches the end. */
function betweenPending(rule: Compiled, text: string, first: number, behind: number, least: number): number {
  const from = Math.max(first, 0, text.length - Math.min(rule.maxLength, 256), rule.solid ? solidFrom(text) : 0)
  const { firsts } = rule
  for (let i = from; i < behind && i < least; i++) {
    if (firsts[text.charCodeAt(i)] === 0 || (rule.bounded && insideWord(text, i))) continue
    const start = rulePending(rule, text, i, text.length)
    if (start < text.length) return Math.min(start, least)
  }
  return least
}

const never = -1_000
