import type { z } from 'zod'
import type { AnswerFacts } from '../core/chat.ts'
import type { TextKind, TextPart } from '../core/text.ts'
import type { Action, Match, Stage } from '../core/verdict.ts'
import type { RuleBook, RuleSet } from '../detect/index.ts'
import type { Limiter } from './limiter.ts'

/** A kind of check that a policy rule can name. Its options are parsed strictly; `create` throws ZodError or SallyportError. */
export type Hook = {
  readonly name: string
  readonly stages: readonly Stage[]
  readonly options: z.ZodType
  readonly create: (options: unknown, env: HookEnv) => BoundHook
  /** A rule that does not say where it looks is asked about connections too that are relayed unread. */
  readonly asksTunnels?: boolean
}

/** What a hook may use when it is made. */
export type HookEnv = {
  /** The content of a text file; relative paths as the policy means them. Throws when it cannot be read. */
  readonly readFile: (path: string) => string
  /** The rule packs. Detectors made of one book look at a text together. */
  readonly book: RuleBook
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** What counts for all processes, and is kept over reloads. */
  readonly limiter: Limiter
  /** The name of the policy rule: no other has it. */
  readonly rule: string
}

/** A hook with its options. A detector works on texts one at a time, whole or streamed; a judge sees the whole message. */
export type BoundHook = { readonly name: string; readonly stages: readonly Stage[] } & (
  | {
      readonly kind: 'detector'
      readonly rules: RuleSet
      /** Of which texts what is found counts; all when it is not said. */
      readonly kinds?: ReadonlySet<TextKind>
      /** Whether the exchange is one that it is for; it is for all when this is not said. */
      readonly applies?: (facts: ExchangeFacts) => boolean
    }
  | {
      readonly kind: 'judge'
      readonly inspect: Judge
      /** It looks at no text: what it forbids can be refused before a body is sent. */
      readonly textless?: boolean
      /** What it says depends on the moment or on somebody else: a recorded exchange cannot be judged again. */
      readonly live?: boolean
      /** What it finds is in no text: there is nothing to tokenize or redact. */
      readonly placeless?: boolean
      /** Where its rule flags at most, it judges answers after they have been sent: nobody waits for it. */
      readonly afterwards?: boolean
    }
)

export type Judge = (input: JudgeInput, signal: AbortSignal) => Promise<Judgement> | Judgement

export type JudgeInput = {
  readonly stage: Stage
  readonly parts: readonly TextPart[]
  readonly bodyBytes: number
  /** What an answer says beside its texts. */
  readonly answer?: AnswerFacts
  /** A message of a conversation whose beginning has been judged. */
  readonly continued?: true
  readonly facts: ExchangeFacts
}

/** Findings for the rule's own actions to decide, or a verdict, which is then the action of every finding. */
export type Judgement = {
  readonly verdict?: Exclude<Action, 'tokenize'>
  readonly findings: readonly JudgeFinding[]
  /** It is a question of time: where this blocks, the answer says when to come again. */
  readonly retryAfterSeconds?: number
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
) =>
  | { rules: RuleSet; kinds?: ReadonlySet<TextKind>; applies?: (facts: ExchangeFacts) => boolean }
  | { inspect: Judge; textless?: boolean; placeless?: boolean; afterwards?: boolean; live?: boolean }

/** Ties options to code, then forgets their type, so that the registry is a plain list. */
export function defineHook<S extends z.ZodType>(hook: {
  name: string
  stages: readonly Stage[]
  options: S
  asksTunnels?: boolean
  create: Make<z.infer<S>>
}): Hook {
  const { name, stages, options, asksTunnels = false } = hook
  return {
    name,
    stages,
    options,
    asksTunnels,
    create: (given, env) => {
      const made = hook.create(options.parse(given ?? {}) as z.infer<S>, env)
      return 'rules' in made ? { name, stages, kind: 'detector', ...made } : { name, stages, kind: 'judge', ...made }
    },
  }
}
