import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { over, type RawClient } from './raw-client.ts'

export type TlsClient = RawClient & { readonly tls: TLSSocket }

/** A connection that speaks TLS to the proxy itself, for a name that need not resolve. Rejects with what the handshake failed of. */
export async function tlsClient(
  port: number,
  { from, ...options }: ConnectionOptions & { readonly from?: string },
): Promise<TlsClient> {
  const socket = connectTcp({ port, host: '127.0.0.1', ...(from === undefined ? {} : { localAddress: from }) })
  return secured(connectTls({ ...options, socket }), socket)
}

/** TLS in a CONNECT that this client sends, inside of the TLS that it has already. */
export async function tlsWithin(
  client: TlsClient,
  target: string,
  options: ConnectionOptions,
  connectHeaders = '',
): Promise<TlsClient> {
  client.send(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${connectHeaders}\r\n`)
  const head = await client.until('\r\n\r\n')
  if (!head.startsWith('HTTP/1.1 200 ')) throw new Error(`CONNECT was refused: ${head}`)
  for (const event of ['data', 'end', 'close', 'error']) client.tls.removeAllListeners(event)
  const servername = target.slice(0, target.lastIndexOf(':'))
  return secured(connectTls({ servername, ...options, socket: client.tls }), client.tls)
}

async function secured(tls: TLSSocket, tcp: Socket): Promise<TlsClient> {
  await once(tls, 'secureConnect')
  return { ...over(tls), tls, reset: () => void tcp.resetAndDestroy() }
}
