/** What is known of an exchange before it is forwarded. `at` is ISO 8601 in UTC with milliseconds. */
export type ExchangeOpen = {
  readonly id: string
  readonly at: string
  readonly door: 'proxy' | 'gateway'
  readonly clientIp: string | null
  readonly principal: string | null
  readonly process: string | null
  readonly host: string
  readonly port: number
  readonly method: string
  /** Query values masked by the caller. */
  readonly path: string
  readonly httpVersion: string | null
  readonly provider: string | null
  readonly operation: string | null
  readonly model: string | null
  readonly stream: boolean | null
  readonly policy: string | null
  readonly connectionId: string | null
  readonly traceId: string | null
} & Partial<RequestContent>

/** Content as it may be stored: what `store: redacted` must not keep is gone already. */
export type RequestContent = {
  readonly requestBytes: number | null
  readonly requestBody: string | null
  readonly requestSpill: string | null
  /** What the writer puts into the file `requestSpill` before it writes the row; not changed after. It also finds the SHA-256. */
  readonly requestContent?: Uint8Array | null
  readonly requestSha256: string | null
  /** The stored content ends before the body does: `bodies.maxBytes`. */
  readonly requestTruncated: boolean
}

export type ExchangeState = 'open' | 'done' | 'aborted' | 'lost'

/** How an exchange ended. Null request fields, `process`, `model` and `stream` leave what `open` said. JSON columns come as text. */
export type ExchangeDone = {
  readonly id: string
  readonly upstreamHttpVersion: string | null
  readonly status: number | null
  readonly decision: 'allow' | 'flag' | 'tokenize' | 'redact' | 'block' | 'error' | 'attested'
  readonly rule: string | null
  readonly findings: string | null
  readonly hooks: string | null
  readonly responseBytes: number | null
  readonly firstByteMs: number | null
  readonly durationMs: number | null
  readonly addedMs: number | null
  readonly inputTokens: number | null
  readonly cachedTokens: number | null
  readonly cacheWriteTokens: number | null
  readonly outputTokens: number | null
  readonly reasoningTokens: number | null
  readonly costUsd: number | null
  readonly finishReason: string | null
  readonly upstreamId: string | null
  readonly cache: 'hit' | 'shared' | null
  readonly tools: string | null
  readonly responseBody: string | null
  readonly responseSpill: string | null
  /** As `requestContent`. */
  readonly responseContent?: Uint8Array | null
  readonly responseSha256: string | null
  readonly responseTruncated?: boolean
  readonly state: 'done' | 'aborted'
  readonly error: string | null
  readonly attestation?: string | null
  readonly process?: string | null
  readonly model?: string | null
  readonly stream?: boolean | null
} & Partial<RequestContent>

export type ConnectionRow = {
  readonly id: string
  readonly at: string
  readonly clientIp: string | null
  readonly principal: string | null
  readonly host: string | null
  readonly port: number | null
  readonly sni: string | null
  readonly alpn: string | null
  readonly handling: 'inspect' | 'tunnel' | 'deny' | 'attested' | 'rejected-leaf' | 'failed'
  readonly reason: string | null
  readonly bytesUp: number | null
  readonly bytesDown: number | null
  readonly durationMs: number | null
  readonly error: string | null
  readonly attestation?: string | null
}

export type { EventRow } from '../store/events.ts'

export type Value = string | number | null
