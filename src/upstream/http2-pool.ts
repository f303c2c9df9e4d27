import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { SallyportError } from '../core/errors.ts'
import { sessionIdle } from '../http/session-idle.ts'
import type { Connector } from './connect.ts'
import { allowed, closeSession, http2Session, release } from './http2.ts'
import type { Http2Session } from './http2.ts'
import { clientAborted } from './faults.ts'
import { idle } from './idle.ts'
import { keyOf } from './origin.ts'
import type { Origin } from './origin.ts'

export type Http2Pool = {
  /** A session for one request, which is counted in its `open`. Rejects with `notHttp2` when the origin chose HTTP/1.1. */
  readonly acquire: (origin: Origin, signal: AbortSignal, via?: string) => Promise<Http2Session>
  /** Lets what is in flight finish; sessions take no more requests. */
  readonly retire: () => void
  readonly close: () => void
}

export const notHttp2 = new Error('the origin chose HTTP/1.1')

/**
 * Sessions to origins. A request takes the first session that the origin lets it on at once; where there is none another is opened, and
 * from `perOrigin` on requests wait on the least busy. One on which much was reset takes no more requests and ends with those that it has:
 * there are no more of these than requests. `spokeHttp1` gets a connection that negotiated HTTP/1.1; `clock` gives milliseconds.
 */
export function http2Pool(
  connect: Connector,
  spokeHttp1: (origin: Origin, socket: Socket) => void,
  clock: () => number = () => performance.now(),
): Http2Pool {
  const places = new Map<string, Place>()
  // Also those that take no more requests.
  const all = new Set<Http2Session>()
  const end = (session: Http2Session): void => {
    session.worn()
    closeSession(session)
  }
  const kept = idle<Http2Session>({ perKey: perOrigin, total: idleInAll, evicted: end })

  let closed = false

  const gone = (key: string, session: Http2Session): void => {
    const place = places.get(key)
    kept.remove(key, session)
    const at = place?.ready.indexOf(session) ?? -1
    if (at !== -1) place?.ready.splice(at, 1)
    if (place?.ready.length === 0 && place.opening === undefined) places.delete(key)
  }

  const open = async (origin: Origin, key: string, place: Place, via: string | undefined): Promise<void> => {
    try {
      const socket = await connect.http(origin, ['h2', 'http/1.1'], undefined, via)
      if ((socket as TLSSocket).alpnProtocol !== 'h2') {
        spokeHttp1(origin, socket)
        throw notHttp2
      }
      const session = await http2Session(origin, socket, (some) => gone(key, some), clock)
      session.worn = () => gone(key, session)
      session.stamp = connect.stampOf?.(socket)
      const quiet = sessionIdle(session.session, keptMs, () => {
        if (session.open === 0) end(session)
      })
      session.idle = () => {
        if (!place.ready.includes(session)) return closeSession(session)
        kept.put(key, session)
        quiet.refresh()
      }
      all.add(session)
      session.session.once('close', () => all.delete(session))
      place.ready.push(session)
      session.idle()
      if (closed) session.session.destroy()
    } finally {
      place.opening = undefined
      if (place.ready.length === 0) places.delete(key)
    }
  }

  const placeOf = (key: string): Place => {
    const before = places.get(key)
    if (before !== undefined) return before
    const place: Place = { ready: [], opening: undefined }
    places.set(key, place)
    return place
  }

  const take = (key: string, session: Http2Session): Http2Session => {
    if (session.open === 0) kept.remove(key, session)
    session.open += 1
    return session
  }

  const free = (place: Place): Http2Session | undefined => {
    const { ready } = place
    const one = ready.find((session) => session.open < allowed(session))
    return one ?? (ready.length >= perOrigin ? leastBusy(ready) : undefined)
  }

  const acquired = async (origin: Origin, key: string, via: string | undefined): Promise<Http2Session> => {
    for (let tries = 0; tries <= perOrigin; tries += 1) {
      const place = placeOf(key)
      const one = free(place)
      if (one !== undefined) return take(key, one)
      try {
        await (place.opening ??= open(origin, key, place, via))
      } catch (error) {
        if (place.ready.length === 0) throw error
        return take(key, leastBusy(place.ready))
      }
    }
    throw new SallyportError('upstream_closed', 'the origin ends every connection at once')
  }

  return {
    acquire(origin, signal, via) {
      const key = keyOf(origin)
      const place = places.get(key)
      const one = place === undefined ? undefined : free(place)
      return one === undefined ? unlessAborted(acquired(origin, key, via), signal) : Promise.resolve(take(key, one))
    },
    retire() {
      for (const session of all) end(session)
    },
    close() {
      closed = true
      for (const { session } of all) session.destroy()
    },
  }
}

type Place = { readonly ready: Http2Session[]; opening: Promise<void> | undefined }

function leastBusy(sessions: readonly Http2Session[]): Http2Session {
  return sessions.reduce((least, one) => (one.open < least.open ? one : least))
}

/** Rejects when the client goes away; the session it does not need any more is given back. */
function unlessAborted(session: Promise<Http2Session>, signal: AbortSignal): Promise<Http2Session> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(clientAborted())
    signal.addEventListener('abort', stop)
    if (signal.aborted) stop()
    session
      .then((one) => (signal.aborted ? release(one) : resolve(one)), reject)
      .finally(() => signal.removeEventListener('abort', stop))
  })
}

const perOrigin = 8
const idleInAll = 1_000
// As connections of HTTP/1.1.
const keptMs = 30_000
