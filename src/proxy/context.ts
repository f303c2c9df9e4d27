import type { Socket } from 'node:net'
import type { ConnectionId } from '../core/ids.ts'
import type { Outcome } from '../attest/outcome.ts'
import { recordConnection } from '../engine/connection.ts'
import type { ConnectionRow } from '../engine/connection.ts'
import type { Asker, Rooms } from '../engine/exchange.ts'
import type { ClientCertificate } from '../tls/client-certificate.ts'
import { bothAttestations, carriers } from '../upstream/stamps.ts'
import type { Stamp } from '../upstream/stamps.ts'
import type { Destination } from './conntrack.ts'
import type { Authority } from './target.ts'

/** What a request on a connection needs to know of it. `tunnel` is null on the proxy's own port, before any CONNECT. */
export type Connection = {
  readonly id: ConnectionId
  readonly at: Date
  readonly startedAt: number
  readonly clientIp: string
  readonly socket: Socket
  readonly tunnel: Tunnel | null
  /** CONNECTs on the same socket before this one that were refused for want of credentials; each has its own row. */
  readonly challenges: number
  /** Where the client speaks TLS to the proxy itself. */
  readonly secure?: Secure
  /** Plain HTTP that a firewall has redirected here; `to` is where it was going, if the system tells. */
  readonly redirected?: { readonly to: Destination | undefined }
  /** The program that opened it, where it runs on this machine; looked for when first called. */
  readonly asker?: () => Asker | undefined
  /** Exchanges seen: a connection without any leaves a row of its own. */
  exchanges: number
  /** Why its last request was refused before it became an exchange. */
  refusal?: { readonly code: string; readonly message: string }
}

export type Secure = {
  /** What was accepted: `socket` is TLS over it. */
  readonly tcp: Socket
  readonly certificate: ClientCertificate
  /** The name by which the client knows the proxy. */
  readonly name: string | undefined
}

/** The inside of a CONNECT. */
export type Tunnel = Authority & {
  readonly scheme: 'http' | 'https'
  readonly principal: string | null
  /** What became of the attestation of its CONNECT, where one was asked for. */
  readonly attestation?: Outcome | undefined
  /** The way by which it has come, for a parent proxy. */
  readonly via?: string | undefined
}

/** A `connections` row that grows; written once. */
export type ConnectionRecord = {
  set: (fields: Partial<Omit<ConnectionRow, 'id' | 'at' | 'clientIp'>>) => void
  /** The row tells of the stamp of the connection that it went over. */
  carried: (stamp: Stamp | undefined) => void
  /** What the row says of attestations, as it is written. */
  attestation: () => string | null
  /** Writes the row, on the first call. */
  end: () => void
}

/** The row of a connection, for the ledger. */
export function ledgerRecord(rooms: Rooms, connection: Connection): ConnectionRecord {
  return connectionRecord(connection, (row) => recordConnection(rooms, 'proxy', row))
}

export function connectionRecord(connection: Connection, write: (row: ConnectionRow) => void): ConnectionRecord {
  let row: ConnectionRow = {
    id: connection.id,
    at: connection.at.toISOString(),
    clientIp: connection.clientIp,
    principal: null,
    host: null,
    port: null,
    sni: null,
    alpn: null,
    handling: 'failed',
    reason: null,
    bytesUp: null,
    bytesDown: null,
    durationMs: null,
    error: null,
  }
  const stamp = carriers()
  const attestation = (): string | null => bothAttestations(row.attestation ?? null, stamp.told())
  let written = false
  return {
    attestation,
    carried(some) {
      if (some !== undefined) stamp.carried(some)
    },
    set(fields) {
      row = { ...row, ...fields }
    },
    end() {
      if (written) return
      written = true
      const { socket } = connection
      write({
        ...row,
        attestation: attestation(),
        bytesUp: row.bytesUp ?? socket.bytesRead,
        bytesDown: row.bytesDown ?? socket.bytesWritten,
        durationMs: Math.round((performance.now() - connection.startedAt) * 1_000) / 1_000,
      })
    },
  }
}
