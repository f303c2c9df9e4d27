import type { Answer, Request } from '../core/http.ts'
import { bytesAtHand } from '../http/body.ts'
import { lru } from '../lib/lru.ts'
import { checks } from './checks.ts'
import type { Connector } from './connect.ts'
import { withOneCookie } from './cookies.ts'
import { http1 } from './http1.ts'
import { sendHttp2 } from './http2.ts'
import type { SessionTerms } from './http2.ts'
import { http2Pool, notHttp2 } from './http2-pool.ts'
import { Unprocessed } from './http2-stream.ts'
import type { Sending } from './in-flight.ts'
import { keyOf } from './origin.ts'
import type { Origin } from './origin.ts'
import { hasNoProtocol } from './tls-fault.ts'
import { checkEveryMs } from './times.ts'
import type { UpstreamTimes } from './times.ts'
import { upgrader } from './upgrade.ts'
import type { Upgrade } from './upgrade.ts'

export type Upstream = {
  /** Sends a request to the origin its head names, in the client's own HTTP version where the origin has it. Rejects with SallyportError. */
  readonly send: (request: Request, sending: Sending) => Promise<Answer>
  readonly upgrade: Upgrade
  /** Another takes its place: what is in flight finishes, however long it takes, and no connection is kept. */
  readonly retire: () => void
  readonly close: () => Promise<void>
}

/** What an origin turned out to speak: HTTP/1.1 although HTTP/2 was offered, or HTTP/2 and nothing else. */
type Known = { readonly only: 'http1' | 'http2'; readonly until: number }

/** Origins over HTTP/1.1 and HTTP/2: pools, sessions, and what each origin speaks, remembered for a while. */
export function upstream(connect: Connector, times: UpstreamTimes, now: () => number): Upstream {
  const plain = http1(connect, times)
  const known = lru<string, Known>({ max: maxKnown })
  const clock = (): number => performance.now()
  const terms: SessionTerms = { times, clock, checks: checks(checkEveryMs(times), clock) }

  const remember = (key: string, only: Known['only']): void => {
    known.set(key, { only, until: now() + rememberMs })
  }

  const speaksOnly = (key: string): Known['only'] | undefined => {
    const entry = known.peek(key)
    return entry !== undefined && entry.until > now() ? entry.only : undefined
  }

  const pool = http2Pool(connect, (origin, socket) => {
    remember(keyOf(origin), 'http1')
    plain.adopt(origin, socket)
  })

  const viaHttp2 = async (origin: Origin, request: Request, sending: Sending): Promise<Answer> => {
    const key = keyOf(origin)
    for (let tries = 1; ; tries += 1) {
      if (speaksOnly(key) === 'http1') return plain.send(origin, withOneCookie(request), sending)
      try {
        return await sendHttp2(await pool.acquire(origin, sending.signal, sending.via), request, sending, terms)
      } catch (error) {
        if (error === notHttp2) return plain.send(origin, withOneCookie(request), sending)
        if (!(error instanceof Unprocessed)) throw error
        if (error.instead === 'http1') remember(key, 'http1')
        if (tries === maxTries || !(error.held || isAtHand(request)) || sending.signal.aborted) throw error
      }
    }
  }

  return {
    async send(request, sending) {
      const { target, version } = request.head
      const origin: Origin = { scheme: target.scheme, host: target.host, port: target.port }
      const key = keyOf(origin)
      if (target.scheme !== 'https') return plain.send(origin, withOneCookie(request), sending)
      // An HTTP/1.1 client is served over HTTP/1.1 where the origin has it: header case and order survive.
      if (version === '2' || speaksOnly(key) === 'http2') return viaHttp2(origin, request, sending)
      try {
        return await plain.send(origin, request, sending)
      } catch (error) {
        if (!hasNoProtocol(error)) throw error
        // No byte of the request has been sent.
        remember(key, 'http2')
        return viaHttp2(origin, request, sending)
      }
    },
    upgrade: upgrader({
      connect,
      pool,
      times,
      speaksOnly: (origin) => speaksOnly(keyOf(origin)),
      refusedHttp1(error, origin) {
        if (!hasNoProtocol(error)) return false
        remember(keyOf(origin), 'http2')
        return true
      },
    }),
    retire() {
      pool.retire()
      plain.retire()
    },
    async close() {
      pool.close()
      await plain.close()
    },
  }
}

/** Whether a request can be sent once more. */
function isAtHand({ body }: Request): boolean {
  return body === null || bytesAtHand(body) !== undefined
}

const rememberMs = 600_000
const maxKnown = 2_000
const maxTries = 3
