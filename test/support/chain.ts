import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { attesting, enrol, type Attesting } from './attesting.ts'
import { testAuthority, type TestAuthority } from './authority.ts'
import { startOrigin, type Origin, type OriginHandler, type OriginOptions } from './origin.ts'
import { installSallyport, serve, type Installation, type Sallyport } from './sallyport.ts'

/** An endpoint's Sallyport that signs, a network proxy that verifies, an origin; and a wire between the first two. */
export type Chain = {
  readonly origin: Origin
  /** Of the origin. */
  readonly authority: TestAuthority
  readonly endpoint: Sallyport
  readonly network: Sallyport
  /** The device that the endpoint signs as, enrolled at the network proxy. */
  readonly device: Attesting
  readonly wire: Wire
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

export type Wire = {
  readonly port: number
  /** The head of each request for the network proxy, as the endpoint sent it. */
  readonly heads: string[]
  /** Connections that are open. */
  readonly open: () => number
  /** Ends them all: what they carried has its row then. */
  readonly cut: () => void
  readonly close: () => void
}

export type ChainOptions = {
  readonly hosts: readonly string[]
  readonly origin?: Omit<OriginOptions, 'authority' | 'names'>
  /** Laid over the configurations, section by section. */
  readonly endpoint?: Readonly<Record<string, unknown>>
  readonly network?: Readonly<Record<string, unknown>>
  readonly endpointPolicies: Readonly<Record<string, unknown>>
  readonly networkPolicies: Readonly<Record<string, unknown>>
}

export async function startChain(handler: OriginHandler, options: ChainOptions): Promise<Chain> {
  await using undo = new AsyncDisposableStack()
  const authority = testAuthority()
  const origin = await startOrigin(handler, { authority, names: options.hosts, ...options.origin })
  undo.defer(() => origin.close())
  const device = attesting('laptop-7')
  const network = await networkProxy(authority, origin, options)
  enrol(join(network.dir, 'data'), device)
  const running = await serve(network)
  undo.use(running)
  const wire = await startWire(network.proxyPort)
  undo.defer(wire.close)
  const endpoint = await endpointBehind(wire.port, network, device, options)
  const signing = await serve(endpoint)
  undo.use(signing)
  const all = undo.move()
  return {
    origin,
    authority,
    network: running,
    endpoint: signing,
    device,
    wire,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

function networkProxy(
  authority: TestAuthority,
  origin: Origin,
  { hosts, network = {}, networkPolicies }: ChainOptions,
): Promise<Installation> {
  return installSallyport({
    authority,
    origins: Object.fromEntries(hosts.map((host) => [`${host}:443`, origin])),
    config: { attestation: { accept: true, audience: 'egress-1' }, ...network },
    policies: networkPolicies,
  })
}

/** It trusts the origins' authority, and the network proxy's own: that one answers in an origin's place what it inspects. */
async function endpointBehind(
  port: number,
  network: Installation,
  { id, key }: Attesting,
  { endpoint = {}, endpointPolicies }: ChainOptions,
): Promise<Installation> {
  const ca = [join(network.dir, 'origins.pem'), join(network.dir, 'certs', 'ca.pem')]
  const installation = await installSallyport({
    config: {
      upstream: { proxy: `http://127.0.0.1:${port}`, ca },
      attestation: { sign: { key: 'device.pem', device: id, audience: 'egress-1' } },
      ...endpoint,
    },
    policies: endpointPolicies,
  })
  const pem = key.export({ format: 'pem', type: 'pkcs8' }) as string
  writeFileSync(join(installation.dir, 'device.pem'), pem, { mode: 0o600 })
  return installation
}

async function startWire(to: number): Promise<Wire> {
  const heads: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    const far = connect({ port: to, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    near.once('data', (bytes: Buffer) => heads.push(bytes.toString('latin1').split('\r\n\r\n')[0] ?? ''))
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.pipe(other)
      one.on('error', () => undefined).on('close', () => other.destroy())
    }
    sockets.add(near)
    near.on('close', () => sockets.delete(near))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    heads,
    open: () => sockets.size,
    cut,
    close: () => {
      server.close()
      cut()
    },
  }
}
