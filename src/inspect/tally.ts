import { stricter, type Action, type Finding, type HookRun, type Stage } from '../core/verdict.ts'
import type { Binding, Hit, Inspection } from './binding.ts'

/** Gathers what was found and decided, in one place for whole messages and for streams. */
export class Tally {
  readonly stage: Stage
  readonly findings: Finding[] = []
  readonly hooks: HookRun[] = []
  readonly found = new Set<string>()
  omitted = 0
  restored = 0
  unrestored = 0
  decision: Action = 'allow'
  rule: string | null = null
  failed: Inspection['failed'] = null
  retryAfterSeconds: number | null = null
  private readonly told = new Set<string>()

  constructor(stage: Stage) {
    this.stage = stage
  }

  /** A hit as it is recorded. The action is that of the hit, `flag` at most in a sealed text unless it blocks. */
  finding(hit: Hit, place: string, start: number): void {
    const { match, rule, action } = hit
    this.decide(action, rule)
    this.list({
      type: match.type,
      rule: match.rule,
      policyRule: rule,
      action,
      stage: this.stage,
      place,
      start,
      end: start + (hit.end - hit.start),
      confidence: match.confidence,
      severity: match.severity,
    })
  }

  /** A rule wanted to change a text that is signed: it was left as it is. */
  sealed(rule: string, place: string): void {
    const key = `${rule}\0${place}`
    if (this.told.has(key) || this.told.size === MOST_FINDINGS) return
    this.told.add(key)
    const none = { start: 0, end: 0, confidence: 1, severity: 'medium' } as const
    this.list({ type: SEALED, rule: 'signed', policyRule: rule, action: 'flag', stage: this.stage, place, ...none })
  }

  /** The first rule to ask for the strictest action is the one that decided. */
  decide(action: Action, rule: string): void {
    if (!stricter(action, this.decision)) return
    this.decision = action
    this.rule = rule
  }

  /** The rule blocks for a while: heard where it is the one that decided. */
  limited(rule: string, seconds: number): void {
    if (this.decision === 'block' && this.rule === rule) this.retryAfterSeconds = seconds
  }

  /** A hook that could not do its work: what then happens is written on its rule. */
  failure(binding: Binding, cause: unknown, mode: 'enforce' | 'observe'): void {
    if (binding.onError === 'allow') return
    if (mode === 'observe') return this.decide('flag', binding.name)
    this.decide('block', binding.name)
    this.failed ??= { hook: binding.hook.name, cause }
  }

  ran(binding: Binding, verdict: HookRun['verdict'], nanoseconds: bigint | number): void {
    const microseconds = Math.round(Number(nanoseconds) / 1000)
    this.hooks.push({ hook: binding.hook.name, rule: binding.name, stage: this.stage, verdict, microseconds })
  }

  inspection(changes: Pick<Inspection, 'edits' | 'storeEdits'>): Inspection {
    const { decision, rule, findings, omitted, hooks, restored, unrestored, failed, retryAfterSeconds } = this
    return {
      decision,
      rule,
      findings,
      omitted,
      hooks,
      ...changes,
      found: [...this.found],
      restored,
      unrestored,
      failed,
      retryAfterSeconds,
    }
  }

  private list(finding: Finding): void {
    if (this.findings.length < MOST_FINDINGS) this.findings.push(finding)
    else this.omitted++
  }
}

const SEALED = 'SEALED'
const MOST_FINDINGS = 10_000
