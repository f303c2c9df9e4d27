import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { createServer as createTls } from 'node:tls'
import type { Identity } from './authority.ts'
import { over, type RawClient } from './raw-client.ts'

export type ParentKind = 'http' | 'https' | 'socks5'

/** A proxy for proxies. It knows the names that are in `routes`, and no other way to resolve them. */
export type ParentServer = {
  readonly port: number
  /** With credentials, where it wants some. */
  readonly url: string
  /** Targets in order, as they were asked for: `a.test:443`, `[::1]:443`, or the request line of a plain request. */
  readonly asked: string[]
  /** Heads of requests to it as they came; empty for SOCKS5. */
  readonly heads: string[]
  /** `host:port` → `address:port`. */
  readonly routes: Map<string, string>
  readonly close: () => void
}

export type ParentOptions = {
  readonly user?: string
  readonly password?: string
  /** Its certificate; `https` needs one. */
  readonly identity?: Identity
}

export async function startParent(kind: ParentKind, options: ParentOptions = {}): Promise<ParentServer> {
  const sockets = new Set<Socket>()
  const asked: string[] = []
  const heads: string[] = []
  const routes = new Map<string, string>()
  const scene: Scene = { asked, heads, routes, options, sockets }
  const serve = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    const client = over(socket)
    // A client that leaves in the middle is no fault of the parent.
    void (kind === 'socks5' ? socks(client, scene) : http(client, scene)).catch(() => socket.destroy())
  }
  const server =
    kind === 'https'
      ? createTls({ ...options.identity }, serve)
      : createServer({ noDelay: true, allowHalfOpen: true }, serve)
  server.on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const user =
    options.user === undefined
      ? ''
      : `${encodeURIComponent(options.user)}:${encodeURIComponent(options.password ?? '')}@`
  return {
    port,
    url: `${kind}://${user}127.0.0.1:${port}`,
    asked,
    heads,
    routes,
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

type Scene = Pick<ParentServer, 'asked' | 'heads' | 'routes'> & {
  readonly options: ParentOptions
  readonly sockets: Set<Socket>
}

async function http(client: RawClient, scene: Scene): Promise<void> {
  const { user, password } = scene.options
  const head = await client.until('\r\n\r\n')
  scene.heads.push(head)
  const [line = '', ...fields] = head.split('\r\n')
  const [method = '', target = ''] = line.split(' ')
  const wanted = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  if (user !== undefined && !fields.includes(`Proxy-Authorization: ${wanted}`)) {
    client.send(
      'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nno',
    )
    return client.end()
  }
  const plain = /^http:\/\/([^/]*)(.*)$/.exec(target)
  const to = method === 'CONNECT' ? target : /:\d+$/.test(plain?.[1] ?? '') ? (plain?.[1] ?? '') : `${plain?.[1]}:80`
  scene.asked.push(method === 'CONNECT' ? target : line)
  const origin = await routed(to, scene)
  if (origin === undefined) {
    client.send('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n')
    return client.end()
  }
  if (method === 'CONNECT') client.send('HTTP/1.1 200 Connection established\r\nX-Parent: yes\r\n\r\n')
  else {
    const kept = fields.filter((field) => !/^proxy-/i.test(field))
    origin.write([`${method} ${plain?.[2] === '' ? '/' : plain?.[2]} HTTP/1.1`, ...kept].join('\r\n'), 'latin1')
  }
  splice(client, origin)
}

async function socks(client: RawClient, scene: Scene): Promise<void> {
  const { user, password } = scene.options
  const bytes = async (count: number): Promise<Buffer> => Buffer.from(await client.until(count), 'latin1')
  const [, count = 0] = await bytes(2)
  const wanted = user === undefined ? 0 : 2
  if (!(await bytes(count)).includes(wanted)) {
    client.send(Buffer.from([5, 255]))
    return client.end()
  }
  client.send(Buffer.from([5, wanted]))
  if (user !== undefined) {
    const [, nameLength = 0] = await bytes(2)
    const name = (await bytes(nameLength)).toString()
    const secret = (await bytes((await bytes(1))[0] as number)).toString()
    const right = name === user && secret === password
    client.send(Buffer.from([1, right ? 0 : 1]))
    if (!right) return client.end()
  }
  const [, , , type] = await bytes(4)
  const host =
    type === 3
      ? (await bytes((await bytes(1))[0] as number)).toString()
      : type === 1
        ? (await bytes(4)).join('.')
        : `[${(await bytes(16)).toString('hex')}]`
  const to = `${host}:${(await bytes(2)).readUInt16BE()}`
  scene.asked.push(to)
  const origin = await routed(to, scene)
  client.send(Buffer.from([5, origin === undefined ? 4 : 0, 0, 1, 0, 0, 0, 0, 0, 0]))
  if (origin === undefined) return client.end()
  splice(client, origin)
}

async function routed(to: string, { routes, sockets }: Scene): Promise<Socket | undefined> {
  const at = routes.get(to)
  if (at === undefined) return undefined
  const socket = connect({
    host: '127.0.0.1',
    port: Number(at.slice(at.lastIndexOf(':') + 1)),
    noDelay: true,
    allowHalfOpen: true,
  })
  sockets.add(socket)
  socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
  await once(socket, 'connect')
  return socket
}

function splice(client: RawClient, origin: Socket): void {
  const { socket } = client
  origin.write(client.pending(), 'latin1')
  socket.removeAllListeners('data')
  socket.pipe(origin).pipe(socket)
  socket.on('close', () => origin.destroy())
  origin.on('close', () => socket.end())
}
