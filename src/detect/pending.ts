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
import { marks, markWords } from './plan.ts'
import type { Group, Keyword, Plan } from './plan.ts'

/** The smallest index from which a text in normal form could be the beginning of a match; its length when there is none. */
export function pendingIn(plan: Plan, text: string): number {
  let least = text.length
  const lower = (start: number): void => {
    if (start < least) least = start
  }
  if (plan.at.any !== undefined) lower(emailPending(text))
  lower(wordsPending(plan, text))
  lower(numbersPending(plan, text))
  for (const rule of plan.middle) lower(middlePending(rule, text))
  return least
}

/** A local part, or a local part with @ and the beginning of a domain. */
function emailPending(text: string): number {
  const at = domainStart(text, text.length) - 1
  const start = text[at] === '@' ? localStart(text, at) : localStart(text, text.length)
  return text[at] === '@' && start === at ? text.length : start
}

function wordsPending(plan: Plan, text: string): number {
  const { next, columns, accepting, words, prefix } = plan.automaton
  let least = text.length
  let state = 0
  for (let i = 0; i < text.length; i++) {
    state = next[state + (columns[text.charCodeAt(i)] as number)] as number
    if (state < accepting) continue
    for (const word of words(state)) least = Math.min(least, wordPending(plan, word, text, i))
  }
  const anywhere = prefix(state, Infinity, 2)
  let depth = prefix(state, Infinity, 1)
  while (depth > anywhere && insideWord(text, text.length - depth)) depth = prefix(state, depth, 1)
  return Math.min(least, text.length - Math.max(depth, anywhere))
}

function wordPending(plan: Plan, word: number, text: string, i: number): number {
  if (word >= markWords.length) return keywordPending(plan.keywords[word - markWords.length] as Keyword, text, i)
  if (word !== marks.url) return text.length
  return groupPending(plan.url, text, schemeStart(text, i - 2))
}

function keywordPending(keyword: Keyword, text: string, i: number): number {
  const start = i + 1 - keyword.length
  if (keyword.bounded && insideWord(text, start)) return text.length
  let least = text.length
  for (const rule of keyword.leading) least = Math.min(least, rulePending(rule, text, start))
  if (keyword.assigned.length > 0 && (hasAssignment(text, i + 1) || text.length - i < 48)) {
    for (const rule of keyword.assigned) least = Math.min(least, rulePending(rule, text, start))
  }
  return least
}

/** Numbers, identifiers, phone numbers, addresses with colons: the places near the end where one may begin. */
function numbersPending(plan: Plan, text: string): number {
  let least = text.length
  for (let i = numbersFrom(text); i < least; i++) {
    const code = text.charCodeAt(i)
    const digit = code > 47 && code < 58
    if (isWord(code)) {
      if (i > 0 && isWord(text.charCodeAt(i - 1))) continue
      least = Math.min(least, groupPending(digit ? plan.digitFirst : plan.letterFirst, text, i))
      if (digit) least = Math.min(least, groupPending(plan.phone, text, i))
      if (hexGroup(text, i)) least = Math.min(least, groupPending(plan.colon, text, i))
    } else if (code === 43 || code === 40) least = Math.min(least, groupPending(plan.phone, text, i))
    else if (code === 58) least = Math.min(least, groupPending(plan.colon, text, i))
  }
  return least
}

function groupPending(group: Group, text: string, at: number): number {
  const { anyBeginning } = group
  if (anyBeginning === undefined) return text.length
  anyBeginning.lastIndex = at
  if (!anyBeginning.test(text)) return text.length
  return group.rules.reduce((least, rule) => Math.min(least, rulePending(rule, text, at)), text.length)
}

/** The beginning of the value when a match that begins at `at` is under way; the text's length when not, or not that far. */
function rulePending(rule: Compiled, text: string, at: number): number {
  if (text.length - at > rule.maxLength) return text.length
  rule.beginning.lastIndex = at
  const result = rule.beginning.exec(text)
  if (result === null) return text.length
  let start = rule.group === 0 ? at : text.length
  for (const mark of result.indices?.slice(1) ?? []) if (mark !== undefined) start = Math.min(start, mark[0])
  return start < text.length && inContext(rule, text, start, '') ? start : text.length
}

/** The keyword may still come: any place from which the pattern's beginning reaches the end. */
function middlePending(rule: Compiled, text: string): number {
  const from = Math.max(0, text.length - Math.min(rule.maxLength, 256), rule.solid ? solidFrom(text) : 0)
  for (let i = from; i < text.length; i++) {
    if (rule.bounded && insideWord(text, i)) continue
    const start = rulePending(rule, text, i)
    if (start < text.length) return start
  }
  return text.length
}
