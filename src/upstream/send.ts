import type { ClientHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { SallyportError } from '../core/errors.ts'
import type { Answer, Request } from '../core/http.ts'
import type { Connector } from './connect.ts'
import type { UpstreamTimes } from './connection.ts'
import { http1 } from './http1.ts'
import { http2Session, sendHttp2 } from './http2.ts'
import type { Sending } from './in-flight.ts'
import { keyOf } from './origin.ts'
import type { Origin } from './origin.ts'

export type Upstream = {
  /** Sends a request to the origin its head names, in the client's own HTTP version where the origin has it. Rejects with SallyportError. */
  readonly send: (request: Request, sending: Sending) => Promise<Answer>
  readonly close: () => Promise<void>
}

type Known =
  | { readonly kind: 'h1'; readonly until: number }
  | { readonly kind: 'h2'; readonly session: Promise<ClientHttp2Session> }

/** Origins over HTTP/1.1 and HTTP/2: pools, sessions, and what each origin speaks, remembered for a while. */
export function upstream(connect: Connector, times: UpstreamTimes, now: () => number): Upstream {
  const plain = http1(connect, times)
  const known = new Map<string, Known>()

  const forget = (key: string, session: Known): void => {
    if (known.get(key) === session) known.delete(key)
  }

  const learn = (origin: Origin, key: string): Known => {
    const opened = connect.http(origin, ['h2', 'http/1.1'])
    const entry: Known = {
      kind: 'h2',
      session: opened.then((socket) => {
        if ((socket as TLSSocket).alpnProtocol === 'h2')
          return http2Session(origin, socket, times, () => forget(key, entry))
        known.set(key, { kind: 'h1', until: now() + rememberMs })
        plain.adopt(origin, socket as Socket)
        throw notHttp2
      }),
    }
    entry.session.catch(() => forget(key, entry))
    if (known.size >= maxKnown) known.delete(known.keys().next().value as string)
    known.set(key, entry)
    return entry
  }

  const viaHttp2 = async (origin: Origin, request: Request, sending: Sending): Promise<Answer> => {
    const key = keyOf(origin)
    const before = known.get(key)
    if (before?.kind === 'h1' && before.until > now()) return plain.send(origin, request, sending)
    const entry = before?.kind === 'h2' ? before : learn(origin, key)
    try {
      const session = await (entry as { session: Promise<ClientHttp2Session> }).session
      return await sendHttp2(session, request, sending, times)
    } catch (error) {
      if (error === notHttp2) return plain.send(origin, request, sending)
      throw error
    }
  }

  return {
    async send(request, sending) {
      const { target, version } = request.head
      const origin: Origin = { scheme: target.scheme, host: target.host, port: target.port }
      // An HTTP/1.1 client is served over HTTP/1.1 where the origin has it: header case and order survive.
      if (target.scheme === 'https' && version === '2') return viaHttp2(origin, request, sending)
      try {
        return await plain.send(origin, request, sending)
      } catch (error) {
        if (!refusedHttp1(error)) throw error
        // The origin speaks HTTP/2 only: no byte of the request has been sent.
        return viaHttp2(origin, request, sending)
      }
    },
    async close() {
      for (const entry of known.values())
        if (entry.kind === 'h2') entry.session.then((session) => session.destroy()).catch(() => undefined)
      await plain.close()
    },
  }
}

function refusedHttp1(error: unknown): boolean {
  return (
    error instanceof SallyportError &&
    error.code === 'upstream_tls_failed' &&
    /no application protocol|NO_APPLICATION_PROTOCOL/i.test(error.message)
  )
}

const notHttp2 = new Error('the origin chose HTTP/1.1')
const rememberMs = 600_000
const maxKnown = 2_000
