import { asSallyportError, SallyportError } from '../core/errors.ts'
import { newConnectionId } from '../core/ids.ts'
import type { Exchange } from '../engine/exchange.ts'
import { refuse } from '../engine/run.ts'
import type { Incoming, Upgrade } from '../http/incoming.ts'
import { relay } from '../upstream/relay.ts'
import { ledgerRecord } from './context.ts'
import type { Connection, ConnectionRecord } from './context.ts'
import type { ProxyParts } from './parts.ts'
import { viaOf } from './via.ts'

/** Plain HTTP to a host that policy does not inspect: sent on as it comes, and with a `connections` row as a tunnel has. */
export async function unreadExchange(
  parts: ProxyParts,
  incoming: Incoming<Connection>,
  exchange: Exchange,
  reason: string,
): Promise<void> {
  const { socket } = incoming.context
  const { bytesRead, bytesWritten } = socket
  return recorded(parts, incoming, exchange, reason, async (record, answering) => {
    try {
      const { signal, inform } = incoming
      const answer = await parts.upstream.send(exchange.request, {
        signal,
        inform,
        carried: record.carried,
        via: viaOf(parts, incoming),
      })
      answering()
      await incoming.send(answer)
    } finally {
      const bytesUp = exchange.request.body?.length ?? socket.bytesRead - bytesRead
      record.set({ bytesUp, bytesDown: socket.bytesWritten - bytesWritten })
    }
  })
}

/** The same for a plain WebSocket: its bytes pass as in a tunnel. */
export async function unreadWebsocket(
  parts: ProxyParts,
  { incoming, accept }: Upgrade<Connection>,
  exchange: Exchange,
  reason: string,
): Promise<void> {
  return recorded(parts, incoming, exchange, reason, async (record, answering) => {
    record.set({ bytesUp: 0, bytesDown: 0 })
    const carriage = { carried: record.carried, via: viaOf(parts, incoming) }
    const upgraded = await parts.upstream.upgrade(exchange.request, incoming.signal, carriage)
    answering()
    if (upgraded.kind === 'answered') return incoming.send(upgraded.answer)
    const { socket, head } = accept(upgraded.headers)
    if (head.length > 0) socket.unshift(head)
    if (upgraded.head.length > 0) upgraded.socket.unshift(upgraded.head)
    const { up, down, error } = await relay(socket, upgraded.socket)
    parts.metrics.bytes('up').inc(up)
    parts.metrics.bytes('down').inc(down)
    record.set({ bytesUp: up, bytesDown: down, error })
  })
}

/** `pass` says by `answering` that the client has its answer from then on; what fails before is answered, and has an `exchanges` row instead. */
async function recorded(
  parts: ProxyParts,
  { context, signal }: Incoming<Connection>,
  exchange: Exchange,
  reason: string,
  pass: (record: ConnectionRecord, answering: () => void) => Promise<void>,
): Promise<void> {
  const started = { id: newConnectionId(Date.now()), at: new Date(), startedAt: performance.now() }
  const record = ledgerRecord(parts.rooms, { ...context, ...started })
  const { host, port } = exchange.request.head.target
  record.set({ host, port, principal: exchange.principal, handling: 'tunnel', reason })
  let answered = false
  try {
    await pass(record, () => (answered = true))
  } catch (thrown) {
    const error = signal.aborted
      ? new SallyportError('client_aborted', 'the client went away')
      : asSallyportError(thrown)
    if (!answered && !signal.aborted)
      return refuse(parts.rooms, { ...exchange, attestation: record.attestation }, error)
    record.set({ error: error.code })
  }
  record.end()
}
