import type { Edit } from '../core/text.ts'
import { stricter, type Action, type Finding, type HookRun, type Match, type Stage } from '../core/verdict.ts'
import type { BoundHook } from './hook.ts'
import type { TenantMemo } from './memo.ts'
import type { Vault } from './tokens.ts'

/** A policy rule that applies to this exchange: its hook, where it looks and what it does with what is found. */
export type Binding = {
  /** The policy rule's name. */
  readonly name: string
  readonly on: 'connection' | 'request' | 'response' | 'both'
  readonly hook: BoundHook
  readonly action: ActionMap
  readonly onError: 'block' | 'allow'
  readonly timeoutMs: number
}

/** Keys are types, or what stands before the colon: `SECRET` covers `SECRET:aws-access-key`. */
export type ActionMap = { readonly default: Action; readonly byType: ReadonlyMap<string, Action> }

export type How = {
  readonly mode: 'enforce' | 'observe'
  readonly vault: Vault
  /** Nanoseconds, monotonic. */
  readonly now: () => bigint
  readonly signal: AbortSignal
  /** What was found before; nothing is remembered without it. Of detectors only: what judges say is asked each time. */
  readonly memo?: TenantMemo
}

export type Inspection = {
  readonly decision: Action
  /** The rule that decided; null when nothing was found. */
  readonly rule: string | null
  readonly findings: Finding[]
  /** Findings acted upon, but too many to list. */
  readonly omitted: number
  readonly hooks: HookRun[]
  /** For the wire: sorted, not overlapping. None when blocked. */
  readonly edits: Edit[]
  /** For what is stored: every found value masked, placeholders kept. */
  readonly storeEdits: Edit[]
  /** The found values themselves, each once: to be masked wherever else the record might hold them. Never to be logged. */
  readonly found: string[]
  /** Placeholders put back, and those that could not be. */
  readonly restored: number
  readonly unrestored: number
  /** The hook whose failure blocked. */
  readonly failed: { readonly hook: string; readonly cause: unknown } | null
  /** When it is worth trying again, where what decided is a question of time. */
  readonly retryAfterSeconds: number | null
}

/** Whether the binding has work at this stage. */
export function runsAt(binding: Binding, stage: Stage): boolean {
  if (!binding.hook.stages.includes(stage)) return false
  return binding.on === stage || (binding.on === 'both' && stage !== 'connection')
}

/**
 * Hooks that judge whole messages cannot judge a stream piece by piece: with one of them bound to responses, the stream has to be
 * collected, given to `inspectParts`, and sent on afterwards.
 */
export function needsWholeAnswer(bindings: readonly Binding[]): boolean {
  return bindings.some(
    (binding) => binding.hook.kind === 'judge' && runsAt(binding, 'response') && !isAfterwards(binding),
  )
}

/** Whether the binding judges answers that have been sent: it only flags. */
export function isAfterwards({ hook, action }: Binding): boolean {
  if (hook.kind !== 'judge' || hook.afterwards !== true) return false
  return [action.default, ...action.byType.values()].every((taken) => !stricter(taken, 'flag'))
}

/** A match with the rule that asked for it and the action that rule takes. */
export type Hit = {
  readonly start: number
  readonly end: number
  readonly match: Match
  readonly rule: string
  readonly action: Action
  /** The rule asked to change the text, but a signature covers it. */
  readonly sealed?: boolean
}

/** The action for a type, `flag` at most when nothing may be changed. */
export function actionFor(binding: Binding, type: string, mode: How['mode']): Action {
  const { byType } = binding.action
  const exact = byType.size === 0 ? undefined : byType.get(type)
  const action = exact ?? byKind(byType, type) ?? binding.action.default
  return mode === 'observe' && stricter(action, 'flag') ? 'flag' : action
}

function byKind(byType: ReadonlyMap<string, Action>, type: string): Action | undefined {
  const colon = byType.size === 0 ? -1 : type.indexOf(':')
  return colon === -1 ? undefined : byType.get(type.slice(0, colon))
}
