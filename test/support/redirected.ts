import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import Database from 'better-sqlite3'
import { stringify } from 'yaml'
import { openPolicies } from '../../src/app/policies.ts'
import { prepare } from '../../src/app/prepare.ts'
import { proxyParts } from '../../src/app/proxy.ts'
import { engineRooms, openRecorder } from '../../src/app/rooms.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import type { Destination } from '../../src/proxy/conntrack.ts'
import type { ProxyParts } from '../../src/proxy/parts.ts'
import { places } from '../../src/proxy/places.ts'
import { proxyDoor } from '../../src/proxy/server.ts'
import type { TestAuthority } from './authority.ts'
import { budgetOf } from './budget.ts'
import { configIn, keptLog } from './app.ts'
import { over, rawClient, type RawClient } from './raw-client.ts'
import { tempFolder } from './temp.ts'

type Row = Readonly<Record<string, unknown>>

/** A door for redirected connections in this process: tests say where the firewall would have taken each of them from. */
export type RedirectedDoor = {
  readonly port: number
  /** PEM of the local authority. */
  readonly ca: string
  /** The next connections were going there; undefined: the system does not tell. */
  readonly dialled: (to: Destination | undefined) => void
  /** Whether the next connections are taken for some that the process has opened itself. */
  readonly ownDials: (are: boolean) => void
  readonly raw: () => Promise<RawClient>
  /** Verified TLS for a name; rejects with what the handshake failed of. */
  readonly tls: (options: ConnectionOptions) => Promise<RawClient & { readonly tls: TLSSocket }>
  /** Its rows once there are so many, in their order. */
  readonly rows: (table: 'connections' | 'exchanges', count: number) => Promise<readonly Row[]>
  /** The one row that `act` adds to a table. */
  readonly rowAfter: <T>(table: 'connections' | 'exchanges', act: () => Promise<T>) => Promise<Row>
  /** Other policies, in force when it resolves. */
  readonly policy: (policy: object) => Promise<void>
  readonly close: () => Promise<void>
}

export type RedirectedOptions = {
  readonly policy?: object
  /** `name:port` or `address:port` → where it is played. */
  readonly origins?: Readonly<Record<string, { readonly address: string }>>
  readonly authority?: TestAuthority
  readonly config?: Readonly<Record<string, object>>
  readonly parts?: Partial<Pick<ProxyParts, 'handshakeTimeoutMs' | 'isSelf'>>
  /** Whether clients of this machine are admitted as such. */
  readonly local?: boolean
  /** What this machine finds of names that a parent proxy resolves. */
  readonly found?: readonly string[]
}

export async function redirectedDoor(options: RedirectedOptions = {}): Promise<RedirectedDoor> {
  const dir = tempFolder('redirected')
  const { log } = await keptLog()
  mkdirSync(join(dir, 'policies'))
  const policyFile = join(dir, 'policies', 'a.yaml')
  writeFileSync(policyFile, stringify(options.policy ?? {}))
  if (options.authority !== undefined) writeFileSync(join(dir, 'origins.pem'), options.authority.cert)
  const resolve = Object.fromEntries(
    Object.entries(options.origins ?? {}).map(([name, { address }]) => [name, address]),
  )
  const upstream = {
    resolve,
    ca: options.authority === undefined ? [] : ['origins.pem'],
    ...options.config?.['upstream'],
  }
  const config = configIn(dir, { ca: { nameConstraints: 'off' }, ...options.config, upstream })
  const { authority } = await prepare(config, log)
  const policies = await openPolicies(
    config,
    () => undefined,
    () => undefined,
  )
  const recorder = openRecorder(config, log)
  const metrics = createMetrics()
  const policy = policies.current
  const key = Buffer.alloc(32, 7)
  const rooms = engineRooms({ config: () => config, policy, recorder, budget: budgetOf(), metrics, log, key })
  const own = (): [] => []
  const made = proxyParts({
    processes: 1,
    config: () => config,
    own,
    rooms,
    metrics,
    log,
    authority,
    principalOf: () => undefined,
  })
  const parts = Object.assign(
    Object.create(made.parts) as { -readonly [K in keyof ProxyParts]: ProxyParts[K] },
    options.parts,
  )
  let to: Destination | undefined
  let ownDials = false
  const door = proxyDoor(parts, {
    original: async () => to,
    isLocal: () => options.local === true,
    isOwnDial: () => ownDials,
    places: places({ now: Date.now, keepMs: 0, maxNames: 10 }),
    resolve: async () => options.found ?? [],
  })
  door.server.listen(0, '127.0.0.1')
  await once(door.server, 'listening')
  const { port } = door.server.address() as AddressInfo
  const all = (table: string): Row[] => {
    const db = new Database(join(config.data.dir, 'sallyport.db'), { readonly: true, timeout: 5_000 })
    try {
      return db.prepare(`select * from ${table} order by at, id`).all() as Row[]
    } finally {
      db.close()
    }
  }
  const rows: RedirectedDoor['rows'] = async (table, count) => {
    for (;;) {
      const found = all(table)
      if (found.length >= count && found.every((row) => row['state'] !== 'open')) return found
      await new Promise((wake) => setTimeout(wake, 20))
    }
  }
  return {
    port,
    ca: authority.certificatePem,
    dialled: (next) => void (to = next),
    ownDials: (are) => void (ownDials = are),
    raw: () => rawClient(port),
    tls: async (how) => {
      const tls = connectTls({ port, host: '127.0.0.1', ca: authority.certificatePem, ...how })
      await once(tls, 'secureConnect')
      return { ...over(tls), tls }
    },
    rows,
    rowAfter: async (table, act) => {
      const start = new Date().toISOString()
      await act()
      for (;;) {
        // What was begun before and is written late is not its row.
        const found = all(table).filter((row) => String(row['at']) >= start)
        if (found.length > 1) throw new Error(`${found.length} rows instead of one`)
        if (found[0] !== undefined && found[0]['state'] !== 'open') return found[0]
        await new Promise((wake) => setTimeout(wake, 20))
      }
    },
    async policy(next) {
      writeFileSync(policyFile, stringify(next))
      await policies.reload()
      const problem = policies.problem()
      if (problem !== undefined) throw problem
    },
    async close() {
      const drained = door.drain()
      door.destroy()
      await drained
      policies.close()
      await made.close()
      await recorder.close()
    },
  }
}

/** What a client with these options says first. */
export function helloOf(options: ConnectionOptions): Promise<Buffer> {
  return new Promise((resolve) => {
    const carrier = new Duplex({ read() {}, write: (chunk: Buffer) => resolve(chunk) })
    connectTls({ socket: carrier, ...options }).on('error', () => {})
  })
}

/** The same hello with one more extension, of encrypted_client_hello as clients send it that have no key (GREASE) and as those that have one. */
export function withEch(hello: Buffer): Buffer {
  const enc = Buffer.alloc(32, 7)
  const payload = Buffer.alloc(144, 9)
  const outer = Buffer.concat([Buffer.from('0000010001a40020', 'hex'), enc, Buffer.from([0, payload.length]), payload])
  const head = Buffer.alloc(4)
  head.writeUInt16BE(0xfe0d, 0)
  head.writeUInt16BE(outer.length, 2)
  const longer = Buffer.concat([hello, head, outer])
  const more = head.length + outer.length
  // Behind the version, the random, the session and the lists of suites and compression methods.
  let at = 9 + 2 + 32
  at += 1 + hello.readUInt8(at)
  at += 2 + hello.readUInt16BE(at)
  at += 1 + hello.readUInt8(at)
  longer.writeUInt16BE(hello.readUInt16BE(at) + more, at)
  longer.writeUInt16BE(hello.readUInt16BE(3) + more, 3)
  longer.writeUIntBE(hello.readUIntBE(6, 3) + more, 6, 3)
  return longer
}

export type ListeningOrigin = { readonly address: string; readonly heard: () => Buffer; readonly close: () => void }

/** An origin that keeps what it hears, and answers `heard` at the end of it. */
export async function listeningOrigin(): Promise<ListeningOrigin> {
  let heard = Buffer.alloc(0)
  const server = createServer({ allowHalfOpen: true }, (socket: Socket) => {
    heard = Buffer.alloc(0)
    socket.on('error', () => {}).on('data', (chunk: Buffer) => (heard = Buffer.concat([heard, chunk])))
    socket.on('end', () => socket.end('heard'))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard: () => heard,
    close: () => void server.close(),
  }
}
