import type { TextPart } from '../core/text.ts'
import { stricter } from '../core/verdict.ts'
import type { Action, Finding } from '../core/verdict.ts'
import { actionFor } from '../inspect/binding.ts'
import type { Binding } from '../inspect/binding.ts'
import type { ExchangeFacts } from '../inspect/hook.ts'
import { inspectParts } from '../inspect/pipeline.ts'
import type { Vault } from '../inspect/tokens.ts'
import type { PolicySet } from './match.ts'

/** An exchange as it was recorded. */
export type RecordedExchange = {
  readonly facts: ExchangeFacts
  readonly request: RecordedBody
  readonly response: RecordedBody
  readonly findings: readonly RecordedFinding[]
}

/** `parts` is undefined when the body was not kept. */
export type RecordedBody = { readonly parts: readonly TextPart[] | undefined; readonly bodyBytes: number }

export type RecordedFinding = Pick<
  Finding,
  'type' | 'rule' | 'policyRule' | 'action' | 'stage' | 'place' | 'confidence'
>

/** What a set decides about a recorded exchange. `types` are sorted, each once. */
export type Replayed = {
  readonly decision: Action
  /** The rule that decided; null when nothing was found. */
  readonly rule: string | null
  readonly types: readonly string[]
  /** Rules whose word depends on others or on the moment: for them the record's was taken. */
  readonly unasked: readonly string[]
}

/**
 * Runs a set over what was recorded: the texts go through its hooks again. A value that the record has masked cannot be found again:
 * that it was found, of which type, is taken from the record, and the set's own rules decide what follows.
 */
export async function replayExchange(set: PolicySet, recorded: RecordedExchange, vault: Vault): Promise<Replayed> {
  const outcome: Outcome = { decision: 'allow', rule: null, types: new Set(), unasked: new Set() }
  await replayStage(outcome, set, recorded, 'request', vault)
  // What is blocked has no answer.
  if (outcome.decision !== 'block') await replayStage(outcome, set, recorded, 'response', vault)
  const { decision, rule, types, unasked } = outcome
  return { decision, rule, types: [...types].sort(), unasked: [...unasked] }
}

type Outcome = {
  decision: Action
  rule: string | null
  readonly types: Set<string>
  readonly unasked: Set<string>
}

async function replayStage(
  outcome: Outcome,
  set: PolicySet,
  { facts, findings, ...bodies }: RecordedExchange,
  stage: 'request' | 'response',
  vault: Vault,
): Promise<void> {
  const { parts, bodyBytes } = bodies[stage]
  const bound = set.bindingsFor(facts, stage)
  const again = bound.filter((binding) => !isLive(binding) && (parts !== undefined || isTextless(binding)))
  const { mode } = set
  const inspection = await inspectParts(
    again,
    { stage, parts: parts ?? [], bodyBytes, facts },
    { mode, vault, now: process.hrtime.bigint, signal: AbortSignal.timeout(LONGEST_MS) },
  )
  decide(outcome, inspection.decision, inspection.rule)
  for (const { type } of inspection.findings) outcome.types.add(type)
  const before = findings.filter((finding) => finding.stage === stage)
  for (const binding of bound) {
    for (const finding of before) take(outcome, binding, finding, parts, mode)
    if (isLive(binding)) outcome.unasked.add(binding.name)
  }
}

function take(
  outcome: Outcome,
  binding: Binding,
  finding: RecordedFinding,
  parts: readonly TextPart[] | undefined,
  mode: PolicySet['mode'],
): void {
  const { hook } = binding
  if (hook.kind === 'detector') {
    if (!hook.rules.wants(finding) || !isMasked(parts, finding.place)) return
    decide(outcome, actionFor(binding, finding.type, mode), binding.name)
  } else {
    if (hook.live !== true || finding.policyRule !== binding.name) return
    decide(outcome, mode === 'observe' ? 'flag' : finding.action, binding.name)
  }
  outcome.types.add(finding.type)
}

/** Whether what was found there is gone from the record. */
function isMasked(parts: readonly TextPart[] | undefined, place: string): boolean {
  const part = parts?.find(({ path }) => path === place)
  return part === undefined || mask.test(part.text)
}

function isLive({ hook }: Binding): boolean {
  return hook.kind === 'judge' && hook.live === true
}

function isTextless({ hook }: Binding): boolean {
  return hook.kind === 'judge' && hook.textless === true
}

function decide(outcome: Outcome, action: Action, rule: string | null): void {
  if (!stricter(action, outcome.decision)) return
  outcome.decision = action
  outcome.rule = rule
}

const mask = /\[REDACTED:|QX_[A-Z0-9_]{1,17}[a-z]/
const LONGEST_MS = 60_000
