import type { Duplex } from 'node:stream'
import type { Outcome } from '../attest/outcome.ts'
import type { Connection, ConnectionRecord } from './context.ts'
import type { Decision } from './decide.ts'
import type { ProxyParts } from './parts.ts'
import type { Authority } from './target.ts'

/** Takes a connection on that is for us to speak HTTP with. */
export type Serve = (socket: Duplex, connection: Connection, protocol: 'h2' | 'http/1.1') => void

/** A CONNECT that is neither refused nor answered yet. */
export type Connecting = {
  readonly parts: ProxyParts
  /** That the CONNECT came on. */
  readonly outer: Connection
  readonly authority: Authority
  readonly principal: string | null
  /** What became of its attestation, where one was asked for. */
  readonly attestation?: Outcome | undefined
  /** The way by which it has come, for a parent proxy. */
  readonly via?: string | undefined
  readonly record: ConnectionRecord
  /** What policy says once the ClientHello has been seen. */
  readonly decideAgain: (sni: string | null) => Decision
  /** Answers 200: from here on the connection can be closed, but not refused any more. */
  readonly establish: () => void
  readonly serve: Serve
}
