import type { Answer, Request } from '../core/http.ts'
import type { ConnectionId, ExchangeId } from '../core/ids.ts'
import type { Recorder } from '../audit/recorder.ts'
import type { BodyKeeper } from '../audit/bodies/body.ts'
import type { Budget } from '../http/budget.ts'
import type { TenantMemo } from '../inspect/memo.ts'
import type { Vault } from '../inspect/tokens.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { PolicySet } from '../policy/compile.ts'

/** One request with all that is known of where it came from, and the way back to the client. */
export type Exchange = {
  readonly id: ExchangeId
  readonly door: 'proxy' | 'gateway'
  readonly clientIp: string
  readonly principal: string | null
  readonly connectionId: ConnectionId | null
  readonly request: Request
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal
  /** Sends the answer; resolves when it is wholly sent, rejects when that fails. Called once. */
  readonly reply: (answer: Answer) => Promise<void>
  /**
   * Where the client holds the body back until it is told to go on: asks the origin whether it wants it, with the head alone. Resolves
   * to a final answer, or to undefined when the body is to be read. `forward` follows with what became of the request.
   */
  readonly ask?: (policy: string) => Promise<Answer | undefined>
  /**
   * Where the request may prove that it has been inspected already: whether it does, and what its row says of that (JSON, or null). `sha256`
   * reads the body and gives its hash in hex, or that of no bytes where its length is not known or over 8 MiB.
   */
  readonly attest?: (sha256: () => Promise<string>) => Promise<Attested>
  /** The program that asks, where it runs on this machine. */
  readonly asker?: Asker | undefined
  /** What its row says of attestations, as JSON, with what it would say anyway: asked once, when the row is written. */
  readonly attestation?: (received: string | null) => string | null
}

/** A program that is being looked for. `settled` resolves soon, and is undefined when there is no more to wait for. */
export type Asker = { readonly program: () => string | null; readonly settled: () => Promise<void> | undefined }

export type Attested = { readonly proved: boolean; readonly record: string | null }

/**
 * Sends the request on, whatever that means for the door; `policy` is the digest of the set that is applied to it. Rejects with
 * SallyportError.
 */
export type Forward = (request: Request, policy: string) => Promise<Answer>

export type EngineLog = {
  readonly warn: (fields: Readonly<Record<string, unknown>>, message: string) => void
  readonly error: (fields: Readonly<Record<string, unknown>>, message: string) => void
}

/** What the spine works with; built once by `app`. */
export type Rooms = {
  readonly policy: () => PolicySet
  readonly recorder: Recorder
  readonly keeper: (id: ExchangeId, side: 'request' | 'response') => BodyKeeper
  readonly vault: (tenant: string) => Vault
  /** What was found in texts of the tenant before. */
  readonly memo: (tenant: string) => TenantMemo
  readonly metrics: Metrics
  readonly log: EngineLog
  readonly inspectBytes: number
  /** What all bodies in memory may take together. */
  readonly budget: Budget
  /** What happens to traffic when the ledger cannot be written. */
  readonly whenUnavailable: 'block' | 'allow'
  /** Whether answers carry `sallyport-exchange` and `sallyport-decision`. */
  readonly markers: boolean
  /** Which content is kept: see `audit.bodies`. */
  readonly store: 'redacted' | 'full' | 'none'
}

export type { Answer }
