import { once } from 'node:events'
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { testAuthority, type TestAuthority } from './authority.ts'
import { startOrigin, type Origin, type OriginHandler, type OriginOptions } from './origin.ts'
import { rawClient, throughProxy, type RawClient, type ThroughOptions } from './raw-client.ts'
import { startSallyport, type Sallyport, type SallyportOptions } from './sallyport.ts'

export type Row = Record<string, unknown>

/** Sallyport as a process of its own in front of one TLS origin that plays all the hosts. */
export type Stage = {
  readonly authority: TestAuthority
  readonly origin: Origin
  readonly sallyport: Sallyport
  /** A connection to the proxy, nothing sent. */
  readonly raw: () => Promise<RawClient>
  /** TLS inside a CONNECT; port 443 when the target names none. */
  readonly connect: (
    target: string,
    options?: Partial<ThroughOptions>,
  ) => Promise<RawClient & { readonly tls: TLSSocket }>
  readonly http2: (target: string) => Promise<ClientHttp2Session>
  /** The one row of a table that fits, once it is there and no longer open. */
  readonly row: (table: 'exchanges' | 'connections', fits: (row: Row) => boolean) => Promise<Row>
  /** The row of the exchange with this path. */
  readonly exchange: (path: string) => Promise<Row>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

export type StageOptions = SallyportOptions & {
  /** Names that the origin has a certificate for, each reachable on port 443. */
  readonly hosts: readonly string[]
  readonly origin?: Omit<OriginOptions, 'authority' | 'names'>
}

export async function startStage(handler: OriginHandler, options: StageOptions): Promise<Stage> {
  const { hosts, origin: how, ...rest } = options
  const authority = options.authority ?? testAuthority()
  const origin = await startOrigin(handler, { authority, names: hosts, ...how })
  const origins = { ...Object.fromEntries(hosts.map((host) => [`${host}:443`, origin])), ...rest.origins }
  const sallyport = await startSallyport({ ...rest, authority, origins }).catch(async (cause: unknown) => {
    await origin.close()
    throw cause
  })
  const row: Stage['row'] = async (table, fits) => {
    const rows = await sallyport.rowsWhen(table, (some) => some.some((one) => fits(one) && one['state'] !== 'open'))
    return rows.find(fits) as Row
  }
  return {
    authority,
    origin,
    sallyport,
    raw: () => rawClient(sallyport.proxyPort),
    connect: (target, more = {}) =>
      throughProxy(sallyport.proxyPort, { ca: sallyport.ca(), target: withPort(target), ...more }),
    http2: async (target) => {
      const tls = await tlsThrough(sallyport.proxyPort, withPort(target), sallyport.ca(), ['h2'])
      const session = connectHttp2(`https://${target}`, { createConnection: () => tls })
      session.on('error', () => {})
      return session
    },
    row,
    exchange: (path) => row('exchanges', (one) => one['path'] === path),
    [Symbol.asyncDispose]: async () => {
      await sallyport[Symbol.asyncDispose]()
      await origin.close()
    },
  }
}

/** A verified TLS connection inside a CONNECT, for clients that want the socket itself. */
export async function tlsThrough(
  proxyPort: number,
  target: string,
  ca: string,
  alpn: readonly string[],
): Promise<TLSSocket> {
  const socket = connectTcp({ port: proxyPort, host: '127.0.0.1', noDelay: true })
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`)
  const [head] = (await once(socket, 'data')) as [Buffer]
  if (!head.toString().startsWith('HTTP/1.1 200 ')) throw new Error(`CONNECT was refused: ${head.toString()}`)
  const host = target.slice(0, target.lastIndexOf(':'))
  const tls = connectTls({ socket, servername: host, ca, ALPNProtocols: [...alpn] })
  await once(tls, 'secureConnect')
  return tls
}

function withPort(target: string): string {
  return /:\d+$/.test(target) ? target : `${target}:443`
}
