/** What a rule does with what it found, mildest first. The strictest of all rules wins. */
export const actions = ['allow', 'flag', 'tokenize', 'redact', 'block'] as const

export type Action = (typeof actions)[number]

export const severities = ['info', 'low', 'medium', 'high', 'critical'] as const

export type Severity = (typeof severities)[number]

/** A detector's hit in one text: offsets in UTF-16 code units of that text, end exclusive. */
export type Match = {
  /** `EMAIL`, `SECRET:aws-access-key`, `KEYWORD:project-x`. */
  readonly type: string
  /** The id of the rule in its pack. */
  readonly rule: string
  readonly start: number
  readonly end: number
  /** 0 to 1. */
  readonly confidence: number
  readonly severity: Severity
}

/** A match as it is recorded: where, and what was done. Never the matched text. */
export type Finding = {
  readonly type: string
  /** The rule in its pack that found it. */
  readonly rule: string
  /** The policy rule that asked, and the action it took. */
  readonly policyRule: string
  readonly action: Action
  readonly stage: Stage
  /** Path of the text in the body, as `messages[0].content`; empty for what is not about text. */
  readonly place: string
  readonly start: number
  readonly end: number
  readonly confidence: number
  readonly severity: Severity
}

export type Stage = 'connection' | 'request' | 'response'

/** One hook's run on one stage, as it is recorded. */
export type HookRun = {
  readonly hook: string
  readonly rule: string
  readonly stage: Stage
  readonly verdict: Action | 'error'
  readonly microseconds: number
}

/** The strictest of the given actions; `allow` when there is none. */
export function strictest(some: Iterable<Action>): Action {
  let worst: Action = 'allow'
  for (const action of some) if (stricter(action, worst)) worst = action
  return worst
}

/** Whether `a` is stricter than `b`. */
export function stricter(a: Action, b: Action): boolean {
  return actions.indexOf(a) > actions.indexOf(b)
}
