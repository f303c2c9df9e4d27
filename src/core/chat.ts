/** Token counts in disjoint buckets: `input` without cached and cache writes, `output` without reasoning. Absent means not told. */
export type Usage = {
  readonly input?: number
  readonly cachedInput?: number
  readonly cacheWrite?: number
  readonly output?: number
  readonly reasoning?: number
  readonly audio?: number
  readonly image?: number
}

/** What a request says, beside its texts. */
export type RequestFacts = {
  readonly model: string | null
  readonly stream: boolean
  readonly messages: number
  /** Names of the tools offered. */
  readonly tools: readonly string[]
}

/** What an answer says, beside its texts, whole or gathered from a stream. */
export type AnswerFacts = {
  readonly model: string | null
  readonly usage: Usage
  readonly finishReason: string | null
  readonly upstreamId: string | null
  /** Names of the tools called, in order. */
  readonly toolCalls: readonly string[]
}

export const noAnswerFacts: AnswerFacts = {
  model: null,
  usage: {},
  finishReason: null,
  upstreamId: null,
  toolCalls: [],
}
