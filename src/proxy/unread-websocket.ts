import { asSallyportError, SallyportError } from '../core/errors.ts'
import type { Request } from '../core/http.ts'
import { newConnectionId } from '../core/ids.ts'
import { recordConnection } from '../engine/connection.ts'
import type { Exchange } from '../engine/exchange.ts'
import { refuse } from '../engine/run.ts'
import type { Upgrade } from '../http/incoming.ts'
import { relay } from '../upstream/relay.ts'
import { connectionRecord } from './context.ts'
import type { Connection } from './context.ts'
import type { ProxyParts } from './parts.ts'

/** A plain WebSocket to a host that policy does not inspect: its bytes pass as in a tunnel, and it leaves a `connections` row as a tunnel does. */
export async function unreadWebsocket(
  parts: ProxyParts,
  { incoming, accept }: Upgrade<Connection>,
  exchange: Exchange,
  request: Request,
  reason: string,
): Promise<void> {
  const { context, signal } = incoming
  const started = { id: newConnectionId(Date.now()), at: new Date(), startedAt: performance.now() }
  const record = connectionRecord({ ...context, ...started }, (row) => recordConnection(parts.rooms, 'proxy', row))
  const { host, port } = request.head.target
  record.set({ host, port, principal: exchange.principal, handling: 'tunnel', reason, bytesUp: 0, bytesDown: 0 })
  let answering = false
  try {
    const upgraded = await parts.upstream.upgrade(request, signal)
    answering = true
    if (upgraded.kind === 'answered') await incoming.send(upgraded.answer)
    else {
      const { socket, head } = accept(upgraded.headers)
      if (head.length > 0) socket.unshift(head)
      if (upgraded.head.length > 0) upgraded.socket.unshift(upgraded.head)
      const { up, down, error } = await relay(socket, upgraded.socket)
      parts.metrics.bytes('up').inc(up)
      parts.metrics.bytes('down').inc(down)
      record.set({ bytesUp: up, bytesDown: down, error })
    }
  } catch (thrown) {
    const error = signal.aborted
      ? new SallyportError('client_aborted', 'the client went away')
      : asSallyportError(thrown)
    if (!answering && !signal.aborted) return refuse(parts.rooms, exchange, error)
    record.set({ error: error.code })
  }
  record.end()
}
