import { withoutHeaders } from '../core/http.ts'
import type { RawHeaders } from '../core/http.ts'
import { runMessages } from '../engine/messages.ts'
import { refuse } from '../engine/run.ts'
import { SallyportError } from '../core/errors.ts'
import { valuesOf } from '../http/headers.ts'
import type { Upgrade } from '../http/incoming.ts'
import { upgradeUpstream } from '../upstream/upgrade.ts'
import type { Connection } from './context.ts'
import { exchangeOf, identified, namedHostFits } from './exchange.ts'
import type { ProxyParts } from './parts.ts'
import { parseAbsolute, splitPath } from './target.ts'

/** A WebSocket inside a CONNECT, or plain (`ws:`) through an absolute target. The origin decides whether to upgrade, and how. */
export async function websocket(parts: ProxyParts, { incoming, accept }: Upgrade<Connection>): Promise<void> {
  const { context } = incoming
  context.exchanges += 1
  const { tunnel } = context
  const absolute = tunnel === null ? parseAbsolute(incoming.target) : undefined
  const at = tunnel === null ? absolute : { ...tunnel, ...splitPath(incoming.target) }
  if (at === undefined)
    return void (await incoming.send({
      head: { status: 400, reason: 'Bad Request', headers: ['content-length', '0'], version: '1.1' },
      body: null,
    }))
  const anonymous = exchangeOf(incoming, at, tunnel?.principal ?? null)
  const exchange = tunnel === null ? await identified(parts, incoming, anonymous) : anonymous
  if (exchange === undefined) return
  if (tunnel !== null && !namedHostFits(incoming, tunnel) && parts.rooms.policy().mismatch === 'deny') {
    return refuse(
      parts.rooms,
      exchange,
      new SallyportError('misdirected_request', `this connection is for ${tunnel.host}:${tunnel.port}`),
    )
  }
  if (tunnel === null) {
    if (parts.isSelf(at))
      return refuse(parts.rooms, exchange, new SallyportError('loop_detected', 'this is Sallyport itself'))
    const { action, reason } = parts.rooms
      .policy()
      .intercept({ host: at.host, port: at.port, clientIp: context.clientIp, principal: exchange.principal })
    if (action === 'deny')
      return refuse(parts.rooms, exchange, new SallyportError('policy_denied', `policy denies ${at.host}: ${reason}`))
  }
  return runMessages(
    parts.rooms,
    exchange,
    () => upgradeUpstream(parts.connector, exchange.request, upgradeHeaders(incoming.headers), incoming.signal),
    accept,
  )
}

/** The client's own fields but those of the proxy hop; Connection keeps only the upgrade. */
function upgradeHeaders(headers: RawHeaders): string[] {
  const protocol = valuesOf(headers, 'upgrade')[0] ?? 'websocket'
  return [...withoutHeaders(headers, hop), 'Connection', 'Upgrade', 'Upgrade', protocol]
}

const hop = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'transfer-encoding',
  'upgrade',
])
