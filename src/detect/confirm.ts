import type { Match } from '../core/verdict.ts'
import type { Compiled, CompiledContext } from './compiled.ts'
import { entropy } from './entropy.ts'
import { isPlaceholder } from './placeholder.ts'

/** What a pattern found, put to the rule's other conditions. `key` is the name under which the text stands (a JSON key). */
export function confirm(rule: Compiled, text: string, start: number, end: number, key: string): Match | undefined {
  const value = text.slice(start, end)
  if (value === '') return undefined
  if (rule.entropy > 0 && entropy(value) < rule.entropy) return undefined
  if (rule.secret && (isPlaceholder(value) || isBehindMask(text, start))) return undefined
  const confidence = rule.confidence + boostOf(rule.context, text, start, key)
  if (Number.isNaN(confidence)) return undefined
  if (rule.check !== undefined && !rule.check(value, { text, start, end, key })) return undefined
  return { type: rule.type, rule: rule.id, start, end, confidence: Math.min(1, confidence), severity: rule.severity }
}

/** The type in a mask of ours, as in `[REDACTED:SECRET:password]:5432`, is nobody's name for what follows. */
function isBehindMask(text: string, start: number): boolean {
  const last = text.slice(Math.max(0, start - 5), start).lastIndexOf(']')
  return last !== -1 && mask.test(text.slice(Math.max(0, start - 101), Math.max(0, start - 5) + last + 1))
}

/** Whether the words a rule asks for stand before `start`. */
export function inContext(rule: Compiled, text: string, start: number, key: string): boolean {
  return !Number.isNaN(boostOf(rule.context, text, start, key))
}

const mask = /\[REDACTED:[A-Za-z0-9_:.-]{1,80}\]$/

/** NaN: no match here. */
function boostOf(context: CompiledContext | undefined, text: string, start: number, key: string): number {
  if (context === undefined) return 0
  const before = `${key} ${text.slice(Math.max(0, start - context.within), start)}`
  if (context.not?.test(before)) return Number.NaN
  if (context.words.test(before)) return context.boost
  return context.required ? Number.NaN : 0
}
