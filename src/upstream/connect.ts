import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { SallyportError } from '../core/errors.ts'
import { dialTcp } from './dial.ts'
import type { Guard, Route } from './guard.ts'
import { within } from './limits.ts'
import type { Limits } from './limits.ts'
import type { Origin } from './origin.ts'
import type { Parent } from './parent.ts'
import type { AbsoluteForm } from './request-head.ts'
import type { Secure } from './secure.ts'
import type { Stamp } from './stamps.ts'

export type Connector = {
  /** A connection that carries any bytes to the origin, for tunnels and upgrades. */
  readonly tcp: (origin: { host: string; port: number }, signal?: AbortSignal, via?: string) => Promise<Socket>
  /** A connection ready for HTTP: TLS when the scheme says so, offering `alpn`. */
  readonly http: (
    origin: Origin,
    alpn: readonly string[],
    signal?: AbortSignal,
    via?: string,
  ) => Promise<Socket | TLSSocket>
  /** How requests are written on `http` connections to a parent proxy; undefined: as an origin wants them. */
  readonly form?: (origin: Origin) => AbsoluteForm | undefined
  /** What a connection was stamped with on its way through a parent proxy. */
  readonly stampOf?: (socket: Socket) => Stamp | undefined
}

/**
 * Dials origins: guard, then TCP or the parent proxy, then TLS, in `connectTimeoutMs` together. `isOwn` names our own listeners, which are
 * never dialled.
 */
export function connector(options: {
  readonly guard: Guard
  readonly secure: Secure
  readonly connectTimeoutMs: number
  readonly isOwn: (address: string, port: number) => boolean
  /** Told of each TCP connection that it makes, before a byte of it. */
  readonly opened?: ((socket: Socket) => void) | undefined
  /** Takes what the guard says is carried; `carried` tells the same without a look-up. */
  readonly parent?: Parent & { readonly carried: (host: string, port: number) => boolean }
}): Connector {
  const { parent } = options
  const stamped = new WeakMap<Socket, Stamp>()

  const checked = async ({ host, port }: { host: string; port: number }, limits: Limits): Promise<Route> => {
    const route = await within<Route>(limits, `${host} is not resolved`, (resolve, reject) => {
      options.guard(host, port).then(resolve, reject)
      return () => undefined
    })
    if (route.addresses.some((address) => options.isOwn(address, route.port))) {
      throw new SallyportError('loop_detected', `${host}:${port} is Sallyport itself`)
    }
    return route
  }

  const open = async (origin: { host: string; port: number }, limits: Limits): Promise<Socket> => {
    const route = await checked(origin, limits)
    return route.carried === true && parent !== undefined
      ? parent.tunnel(origin, limits)
      : dialTcp(origin.host, route, limits)
  }

  const begun = (signal: AbortSignal | undefined, via: string | undefined): Limits => ({
    connectTimeoutMs: options.connectTimeoutMs,
    since: performance.now(),
    ...(options.opened === undefined ? {} : { opened: options.opened }),
    ...(signal === undefined ? {} : { signal }),
    ...(via === undefined ? {} : { via }),
  })

  const secured = async (origin: Origin, alpn: readonly string[], limits: Limits): Promise<TLSSocket> => {
    const socket = await open(origin, limits)
    const secure = await options.secure(socket, origin, alpn, limits)
    const stamp = parent?.stampOf?.(socket)
    if (stamp !== undefined) stamped.set(secure, stamp)
    return secure
  }

  return {
    tcp: (origin, signal, via) => open(origin, begun(signal, via)),
    stampOf: (socket) => stamped.get(socket) ?? parent?.stampOf?.(socket),
    async http(origin, alpn, signal, via) {
      const limits = begun(signal, via)
      if (origin.scheme === 'https') return secured(origin, alpn, limits)
      const route = await checked(origin, limits)
      if (route.carried !== true || parent === undefined) return dialTcp(origin.host, route, limits)
      return parent.plain === undefined ? parent.tunnel(origin, limits) : parent.plain.open(limits)
    },
    form: ({ scheme, host, port }) =>
      scheme === 'http' && parent?.carried(host, port) === true ? parent.plain?.form : undefined,
  }
}
