import { connect as connectTcp, isIP } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { SecureContext, TLSSocket } from 'node:tls'
import { SallyportError } from '../core/errors.ts'
import type { Route } from './guard.ts'
import { within } from './limits.ts'
import type { Limits } from './limits.ts'
import { codeOf, tlsFault } from './tls-fault.ts'

/**
 * A TCP connection to the first address that answers (RFC 8305): tried in turn, families by turns, the next one when one fails or takes
 * longer than a moment; none is given up before another has won. The signal ends the dialling only.
 */
export function dialTcp(host: string, route: Route, limits: Limits): Promise<Socket> {
  const to = `${host}:${route.port}`
  return within(limits, `no connection to ${to}`, (resolve, reject) => {
    const won = (socket: Socket): void => {
      limits.opened?.(socket)
      resolve(socket)
    }
    return race(route, won, (failures) =>
      reject(
        new SallyportError('upstream_unreachable', `cannot connect to ${to}: ${codesOf(failures)}`, {
          cause: failures[0],
        }),
      ),
    )
  })
}

function race(route: Route, won: (socket: Socket) => void, lost: (failures: readonly Error[]) => void): () => void {
  const left = byTurns(route.addresses).slice(0, maxAddresses)
  const open = new Set<Socket>()
  const failures: Error[] = []
  let timer: NodeJS.Timeout | undefined

  const stop = (): void => {
    clearTimeout(timer)
    for (const socket of open) socket.on('error', () => undefined).destroy()
  }
  const next = (): void => {
    clearTimeout(timer)
    const address = left.shift()
    if (address === undefined) {
      if (open.size === 0) lost(failures)
      return
    }
    const socket = connectTcp({ host: address, port: route.port, ...socketOptions })
    const failed = (error: Error): void => {
      open.delete(socket)
      failures.push(error)
      next()
    }
    open.add(socket)
    socket.once('error', failed).once('connect', () => {
      open.delete(socket.off('error', failed))
      stop()
      won(socket)
    })
    if (left.length > 0) timer = setTimeout(next, attemptMs)
  }
  next()
  return stop
}

/** RFC 8305, 4: beginning with the family that the resolver puts first. */
function byTurns(addresses: readonly string[]): string[] {
  const family = isIP(addresses[0] ?? '')
  const first = addresses.filter((address) => isIP(address) === family)
  const second = addresses.filter((address) => isIP(address) !== family)
  return first.flatMap((address, i) => [address, ...second.slice(i, i + 1)]).concat(second.slice(first.length))
}

function codesOf(failures: readonly Error[]): string {
  return [...new Set(failures.map(codeOf))].join(', ') || 'no address'
}

export type TlsDial = Limits & {
  readonly context: SecureContext
  readonly alpn: readonly string[]
  readonly session?: Buffer | undefined
}

/** TLS over a connection that dialTcp or a parent proxy gave. The certificate is always checked, for `host`. */
export function startTls(socket: Socket, host: string, options: TlsDial): Promise<TLSSocket> {
  return within(options, `no TLS handshake with ${host}`, (resolve, reject) => {
    const secure = connectTls({
      socket,
      secureContext: options.context,
      ALPNProtocols: [...options.alpn],
      ...(isIP(host) === 0 ? { servername: host } : { host }),
      ...(options.session === undefined ? {} : { session: options.session }),
    })
    const stop = (): void => {
      secure.off('error', fail).off('close', closed)
      secure.on('error', () => undefined).destroy()
    }
    const fail = (error: Error): void => {
      stop()
      reject(tlsFault(host, error))
    }
    const closed = (): void => fail(new Error('closed during the handshake'))
    secure.once('error', fail).once('close', closed)
    secure.once('secureConnect', () => {
      secure.off('error', fail).off('close', closed)
      resolve(secure)
    })
    return stop
  })
}

const socketOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 }
const attemptMs = 250
const maxAddresses = 16
