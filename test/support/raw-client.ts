import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'

/** A connection that sends exactly what it is told and keeps what comes back until it is read. */
export type RawClient = {
  readonly socket: Socket
  readonly send: (bytes: string | Uint8Array) => void
  /** Takes what has come up to and including `mark` (text is latin1), a match of it, or a number of bytes. Rejects when the connection ends before. */
  readonly until: (mark: string | RegExp | number) => Promise<string>
  /** Takes everything to the end of the connection. */
  readonly rest: () => Promise<string>
  /** Takes one HTTP/1.1 answer whole: by Content-Length, chunked coding, or the end of the connection. */
  readonly answer: (options?: { readonly bodiless?: boolean }) => Promise<RawAnswer>
  /** What has come and was not taken. */
  readonly pending: () => string
  readonly end: () => void
  /** Goes away without a word (RST). */
  readonly reset: () => void
  readonly close: () => void
}

export type RawAnswer = {
  readonly status: number
  /** The status line and header lines as they came. */
  readonly head: string
  readonly header: (name: string) => string | undefined
  /** latin1, without the chunked coding. */
  readonly body: string
}

export async function rawClient(port: number, host = '127.0.0.1', from?: string): Promise<RawClient> {
  const socket = connectTcp({ port, host, noDelay: true, ...(from === undefined ? {} : { localAddress: from }) })
  await once(socket, 'connect')
  return over(socket)
}

export type ThroughOptions = {
  /** PEM of the authority that must have signed the leaf. */
  readonly ca: string
  /** `host:port` of the CONNECT. */
  readonly target: string
  /** Default the host of the target; empty sends none. */
  readonly servername?: string
  readonly alpn?: readonly string[]
  /** More header lines for the CONNECT, each ending in CRLF. */
  readonly connectHeaders?: string
  /** The client's own address. */
  readonly from?: string
}

/** A TLS connection inside a CONNECT tunnel, verified against `ca` for the name of the target. */
export async function throughProxy(
  proxyPort: number,
  options: ThroughOptions,
): Promise<RawClient & { readonly tls: TLSSocket }> {
  const outer = await rawClient(proxyPort, undefined, options.from)
  outer.send(`CONNECT ${options.target} HTTP/1.1\r\nHost: ${options.target}\r\n${options.connectHeaders ?? ''}\r\n`)
  const head = await outer.until('\r\n\r\n')
  if (!head.startsWith('HTTP/1.1 200 ')) throw new Error(`CONNECT was refused: ${head.split('\r\n')[0]}`)
  const host = options.target.slice(0, options.target.lastIndexOf(':')).replaceAll(/[[\]]/g, '')
  const tls = connectTls({
    socket: release(outer),
    host,
    servername: options.servername ?? (/^[\d.]+$|:/.test(host) ? '' : host),
    ca: options.ca,
    ...(options.alpn === undefined ? {} : { ALPNProtocols: [...options.alpn] }),
  })
  await once(tls, 'secureConnect')
  return { ...over(tls), tls }
}

/** The same over a socket that is open already. */
export function over(socket: Socket): RawClient {
  let pending = Buffer.alloc(0)
  let ended: Error | true | undefined
  let wake = () => {}
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk])
    wake()
  })
  const finish = (why: Error | true) => {
    ended ??= why
    wake()
  }
  socket
    .on('end', () => finish(true))
    .on('close', () => finish(true))
    .on('error', finish)
  const more = () => new Promise<void>((resolve) => (wake = resolve))
  const take = (length: number) => {
    const taken = pending.toString('latin1', 0, length)
    pending = pending.subarray(length)
    return taken
  }
  const until = async (mark: string | RegExp | number): Promise<string> => {
    for (;;) {
      const length = lengthTo(mark, pending)
      if (length !== undefined) return take(length)
      if (ended instanceof Error) throw ended
      if (ended)
        throw new Error(`the connection ended before ${String(mark)}: ${JSON.stringify(pending.toString('latin1'))}`)
      await more()
    }
  }
  const rest = async () => {
    for (;;) {
      if (ended !== undefined) return take(pending.length)
      await more()
    }
  }
  return {
    socket,
    send: (bytes) => void socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes),
    until,
    rest,
    answer: (options) => readAnswer(until, rest, options?.bodiless === true),
    pending: () => pending.toString('latin1'),
    end: () => void socket.end(),
    reset: () => void socket.resetAndDestroy(),
    close: () => void socket.destroy(),
  }
}

// Hands the socket over to another reader.
function release(client: RawClient): Socket {
  for (const event of ['data', 'end', 'close', 'error']) client.socket.removeAllListeners(event)
  return client.socket
}

function lengthTo(mark: string | RegExp | number, bytes: Buffer): number | undefined {
  if (typeof mark === 'number') return bytes.length >= mark ? mark : undefined
  if (typeof mark === 'string') {
    const at = bytes.indexOf(mark, 0, 'latin1')
    return at < 0 ? undefined : at + mark.length
  }
  const match = mark.exec(bytes.toString('latin1'))
  return match === null ? undefined : match.index + match[0].length
}

async function readAnswer(until: RawClient['until'], rest: RawClient['rest'], bodiless: boolean): Promise<RawAnswer> {
  const head = await until('\r\n\r\n')
  const status = Number(head.split(' ')[1])
  const header = (name: string) => new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*\\r$`, 'im').exec(head)?.[1]
  const length = header('content-length')
  let body = ''
  if (bodiless || status < 200 || status === 204 || status === 304) body = ''
  else if (/chunked/i.test(header('transfer-encoding') ?? '')) body = await readChunks(until)
  else if (length !== undefined) body = await until(Number(length))
  else body = await rest()
  return { status, head, header, body }
}

async function readChunks(until: RawClient['until']): Promise<string> {
  let body = ''
  for (;;) {
    const size = Number.parseInt(await until('\r\n'), 16)
    if (size === 0) {
      while ((await until('\r\n')) !== '\r\n');
      return body
    }
    body += (await until(size + 2)).slice(0, size)
  }
}
