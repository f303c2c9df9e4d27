import { lastWords } from '../http/linger.ts'
import { alerts } from '../tls/alert.ts'
import { intercept, rejectedLeafAlert } from '../tls/intercept.ts'
import type { Interception } from '../tls/intercept.ts'
import type { Connecting } from './connecting.ts'
import type { Connection, ConnectionRecord, Tunnel } from './context.ts'
import type { ProxyParts } from './parts.ts'
import { firstBytes, wordsFor } from './peek.ts'
import { carry, dialled } from './tunnel.ts'

/** The inside of a CONNECT that policy inspects: what the client begins says how it is served. */
export async function inspected(connecting: Connecting): Promise<void> {
  const { parts, outer, authority, principal, attestation, via } = connecting
  connecting.establish()
  const first = await firstBytes(outer.socket, parts.handshakeTimeoutMs)
  const inside = (scheme: Tunnel['scheme']): Inside => ({
    ...outer,
    tunnel: { ...authority, scheme, principal, attestation, via },
  })
  // While it shakes hands, there is time to look who it is.
  if (first.kind === 'hello' || first.kind === 'http') outer.asker?.()
  if (first.kind === 'hello') return intercepted(connecting, inside('https'), first.sni ?? null)
  if (first.kind === 'http') return plain(connecting, inside('http'))
  const { record } = connecting
  if (first.kind === 'other' && parts.rooms.policy().notTls === 'tunnel') {
    record.set({ handling: 'tunnel', reason: wordsFor.other })
    return carry(connecting, await dialled(connecting), first.held)
  }
  record.set({ handling: first.kind === 'other' ? 'deny' : 'failed', reason: wordsFor[first.kind] })
  outer.socket.destroy()
  record.end()
}

type Inside = Connection & { readonly tunnel: Tunnel }

async function intercepted(connecting: Connecting, connection: Inside, sni: string | null): Promise<void> {
  const { parts, record, serve } = connecting
  const { socket, tunnel } = connection
  record.set({ sni })
  const decision = connecting.decideAgain(sni)
  if (decision.kind === 'deny') {
    record.set({ handling: 'deny', reason: decision.reason })
    lastWords(socket, alerts.unrecognizedName)
    return record.end()
  }
  const context = await parts.leaves.contextFor(sni ?? tunnel.host)
  const outcome = await intercept(socket, { context, alpn: ['h2', 'http/1.1'], timeoutMs: parts.handshakeTimeoutMs })
  if (outcome.kind === 'failed') return handshakeFailed(parts, outcome, connection, record)
  record.set({ alpn: outcome.alpn ?? null })
  endsWith(connection, record, outcome.socket)
  outcome.socket.once('close', () => socket.destroy())
  outcome.socket.once('error', (error) => {
    // A TLS 1.3 client may refuse the leaf after its own Finished (RFC 8446, 4.4.2.4).
    const alert = rejectedLeafAlert(error)
    if (alert === undefined) return
    leafRejected(parts, connection)
    record.set({ handling: 'rejected-leaf', reason: `alert ${alert}` })
  })
  serve(outcome.socket, connection, outcome.alpn === 'h2' ? 'h2' : 'http/1.1')
}

/** Plain HTTP inside a CONNECT. */
function plain({ record, serve }: Connecting, connection: Inside): void {
  endsWith(connection, record)
  serve(connection.socket, connection, 'http/1.1')
  // Looking at the first bytes has paused it.
  connection.socket.resume()
}

/** An inspected connection's row is written when it ends; where its last request was unreadable, the row says so. */
function endsWith(connection: Connection, record: ConnectionRecord, socket = connection.socket): void {
  const ended = (): void => {
    const { refusal } = connection
    if (refusal !== undefined) record.set({ reason: refusal.message, error: refusal.code })
    record.end()
  }
  // HTTP/2 says only as its socket closes what was wrong with it.
  socket.once('close', () => process.nextTick(ended))
}

function handshakeFailed(
  parts: ProxyParts,
  failure: Extract<Interception, { kind: 'failed' }>,
  connection: Inside,
  record: ConnectionRecord,
): void {
  const rejected = failure.cause === 'rejected-leaf'
  if (rejected) leafRejected(parts, connection)
  record.set({
    handling: rejected ? 'rejected-leaf' : 'failed',
    reason: failure.alert === undefined ? `handshake: ${failure.cause}` : `alert ${failure.alert}`,
    error: failure.code,
  })
  record.end()
}

function leafRejected(parts: ProxyParts, { clientIp, tunnel }: Inside): void {
  parts.metrics.rejectedLeaves.inc()
  parts.rejections.note(clientIp, tunnel.host)
}
