import { connect as connectTcp } from 'node:net'
import type { LookupFunction, Socket } from 'node:net'
import { isIP } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { SecureContext, TLSSocket } from 'node:tls'
import { SallyportError } from '../core/errors.ts'
import type { Route } from './guard.ts'

export type DialOptions = { readonly connectTimeoutMs: number; readonly signal?: AbortSignal }

/** A TCP connection to the first address that answers (RFC 8305, by Node's own happy eyeballs). The signal ends the dialling only. */
export function dialTcp(host: string, route: Route, options: DialOptions): Promise<Socket> {
  const to = `${host}:${route.port}`
  return new Promise((resolve, reject) => {
    const socket = connectTcp({
      host: route.addresses.length === 1 ? (route.addresses[0] as string) : host,
      port: route.port,
      lookup: checkedLookup(route.addresses),
      autoSelectFamily: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
    })
    const late = (): void =>
      fail(new SallyportError('upstream_timeout', `no connection to ${to} in ${options.connectTimeoutMs} ms`))
    const timer = setTimeout(late, options.connectTimeoutMs)
    const stopped = (): void => fail(new SallyportError('client_aborted', 'the client went away'))
    const finish = (): void => {
      clearTimeout(timer)
      options.signal?.removeEventListener('abort', stopped)
      socket.off('error', fail)
    }
    const fail = (error: Error): void => {
      finish()
      socket.on('error', () => undefined).destroy()
      reject(error instanceof SallyportError ? error : unreachable(to, error))
    }
    socket.once('error', fail)
    socket.once('connect', () => {
      finish()
      resolve(socket)
    })
    options.signal?.addEventListener('abort', stopped)
    if (options.signal?.aborted === true) stopped()
  })
}

function unreachable(to: string, cause: Error): SallyportError {
  return new SallyportError('upstream_unreachable', `cannot connect to ${to}: ${codeOf(cause)}`, { cause })
}

export type TlsDial = DialOptions & {
  readonly context: SecureContext
  readonly alpn: readonly string[]
  readonly session?: Buffer | undefined
}

/** TLS over a connection that dialTcp or a parent proxy gave. The certificate is always checked, for `host`. */
export function startTls(socket: Socket, host: string, options: TlsDial): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secure = connectTls({
      socket,
      secureContext: options.context,
      ALPNProtocols: [...options.alpn],
      ...(isIP(host) === 0 ? { servername: host } : { host }),
      ...(options.session === undefined ? {} : { session: options.session }),
    })
    const timer = setTimeout(
      () =>
        fail(new SallyportError('upstream_timeout', `no TLS handshake with ${host} in ${options.connectTimeoutMs} ms`)),
      options.connectTimeoutMs,
    )
    const stopped = (): void => fail(new SallyportError('client_aborted', 'the client went away'))
    const finish = (): void => {
      clearTimeout(timer)
      options.signal?.removeEventListener('abort', stopped)
      secure.off('error', fail).off('close', closed)
    }
    const fail = (error: Error): void => {
      finish()
      secure.destroy()
      secure.on('error', () => undefined)
      reject(error instanceof SallyportError ? error : tlsFailure(host, error))
    }
    const closed = (): void => fail(new Error('closed during the handshake'))
    options.signal?.addEventListener('abort', stopped)
    secure.once('error', fail).once('close', closed)
    secure.once('secureConnect', () => {
      finish()
      resolve(secure)
    })
  })
}

function tlsFailure(host: string, cause: Error): SallyportError {
  const code = codeOf(cause)
  if (certificateFaults.test(code))
    return new SallyportError('upstream_certificate_invalid', `the certificate of ${host} is not accepted: ${code}`, {
      cause,
    })
  const alert = /alert ([a-z ]+)|SSL alert number (\d+)/.exec(cause.message)
  return new SallyportError('upstream_tls_failed', `no TLS with ${host}: ${alert?.[1]?.trim() ?? code}`, { cause })
}

const certificateFaults =
  /^(CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|ERR_TLS_CERT_ALTNAME|HOSTNAME_MISMATCH|INVALID_|PATH_LENGTH|ERROR_IN_CERT|CRL_)/

/** The system's code of an error, or its message without addresses and paths. */
export function codeOf(error: Error): string {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return codeOf(error.errors[0])
  return (error as NodeJS.ErrnoException).code ?? error.message
}

// Gives back the addresses that were checked: no second look-up, whatever the name says by now.
function checkedLookup(addresses: readonly string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIP(address) }))
  return (_host, options, callback) => {
    const give = callback as unknown as (error: Error | null, ...rest: unknown[]) => void
    if (options.all === true) give(null, found)
    else give(null, found[0]?.address, found[0]?.family)
  }
}
