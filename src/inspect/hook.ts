import type { z } from 'zod'
import type { TextKind, TextPart } from '../core/text.ts'
import type { Action, Match, Stage } from '../core/verdict.ts'
import type { RuleBook, RuleSet } from '../detect/index.ts'

/** A kind of check that a policy rule can name. Its options are parsed strictly; `create` throws ZodError or SallyportError. */
export type Hook = {
  readonly name: string
  readonly stages: readonly Stage[]
  readonly options: z.ZodType
  readonly create: (options: unknown, env: HookEnv) => BoundHook
}

/** What a hook may use when it is made. */
export type HookEnv = {
  /** The content of a text file; relative paths as the policy means them. Throws when it cannot be read. */
  readonly readFile: (path: string) => string
  /** The rule packs. Detectors made of one book look at a text together. */
  readonly book: RuleBook
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** A hook with its options. A detector works on texts one at a time, whole or streamed; a judge sees the whole message. */
export type BoundHook = { readonly name: string; readonly stages: readonly Stage[] } & (
  | {
      readonly kind: 'detector'
      readonly rules: RuleSet
      /** Of which texts what is found counts; all when it is not said. */
      readonly kinds?: ReadonlySet<TextKind>
    }
  | {
      readonly kind: 'judge'
      readonly inspect: Judge
      /** It looks at no text: what it forbids can be refused before a body is sent. */
      readonly textless?: boolean
      /** What it says depends on the moment or on somebody else: a recorded exchange cannot be judged again. */
      readonly live?: boolean
    }
)

export type Judge = (input: JudgeInput, signal: AbortSignal) => Promise<Judgement> | Judgement

export type JudgeInput = {
  readonly stage: Stage
  readonly parts: readonly TextPart[]
  readonly bodyBytes: number
  readonly facts: ExchangeFacts
}

/** Findings for the rule's own actions to decide, or a verdict, which is then the action of every finding. */
export type Judgement = {
  readonly verdict?: Exclude<Action, 'tokenize'>
  readonly findings: readonly JudgeFinding[]
}

/** `part` is an index into the input's parts; null for what is not about a text. */
type JudgeFinding = Match & { readonly part: number | null }

/** What is known of an exchange before its texts. */
export type ExchangeFacts = {
  readonly door: string | null
  readonly clientIp: string | null
  readonly principal: string | null
  readonly host: string | null
  readonly port: string | null
  readonly path: string | null
  readonly method: string | null
  readonly provider: string | null
  readonly operation: string | null
  readonly model: string | null
}

type Make<O> = (
  options: O,
  env: HookEnv,
) => { rules: RuleSet; kinds?: ReadonlySet<TextKind> } | { inspect: Judge; textless?: boolean; live?: boolean }

/** Ties options to code, then forgets their type, so that the registry is a plain list. */
export function defineHook<S extends z.ZodType>(hook: {
  name: string
  stages: readonly Stage[]
  options: S
  create: Make<z.infer<S>>
}): Hook {
  const { name, stages, options } = hook
  return {
    name,
    stages,
    options,
    create: (given, env) => {
      const made = hook.create(options.parse(given ?? {}) as z.infer<S>, env)
      return 'rules' in made ? { name, stages, kind: 'detector', ...made } : { name, stages, kind: 'judge', ...made }
    },
  }
}
