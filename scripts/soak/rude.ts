import { connect as connectTls } from 'node:tls'
import { rawClient, type RawClient } from '../../test/support/raw-client.ts'
import { inside, post } from './http1.ts'
import { bytesHost, expect, host, pause, type Scenario, type Stage } from './scenario.ts'

/** Clients that leave in the middle, or that never meant it; and tunnels. */
export const rude: readonly Scenario[] = [
  { name: 'abort before TLS', play: abortBeforeTls },
  { name: 'abort inside', play: (stage) => inside(stage, (client) => abortInside(stage, client)) },
  { name: 'garbage', play: garbage },
  { name: 'malformed inside', play: (stage) => inside(stage, (client) => malformed(stage, client)) },
  { name: 'tunnel', play: tunnel },
  { name: 'wrong authority', play: wrongAuthority },
]

const connectTo = (target: string) => `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`

async function open(stage: Stage, use: (client: RawClient) => Promise<void>): Promise<void> {
  const client = await rawClient(stage.proxyPort)
  client.socket.on('error', () => {})
  try {
    await use(client)
  } finally {
    if (stage.random.chance(0.5)) client.reset()
    else client.close()
  }
}

async function established(stage: Stage, client: RawClient, target: string): Promise<void> {
  client.send(connectTo(target))
  const head = await client.until('\r\n\r\n')
  expect(head.startsWith('HTTP/1.1 200 '), head.split('\r\n')[0] ?? '')
  stage.connected()
}

function abortBeforeTls(stage: Stage): Promise<void> {
  return open(stage, async (client) => {
    const phase = stage.random.below(4)
    if (phase === 1) client.send('CONNECT soak.exa')
    if (phase === 2) client.send(connectTo(`${host}:443`))
    if (phase === 3) {
      await established(stage, client, `${host}:443`)
      client.send(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00]))
    }
    await pause(stage.random.below(50))
  })
}

async function abortInside(stage: Stage, client: RawClient): Promise<void> {
  const whole = post(
    stage.path(stage.random.pick(['echo', 'events', 'large', 'late', 'silence'])),
    '{"a":"b"}'.repeat(500),
  )
  client.send(whole.slice(0, stage.random.below(whole.length + 1)))
  await pause(stage.random.below(80))
}

function garbage(stage: Stage): Promise<void> {
  return open(stage, async (client) => {
    client.send(stage.random.pick(nonsense))
    client.socket.end()
    const said = await client.rest().catch(() => '')
    expect(said === '' || /^HTTP\/1\.1 [45]\d\d /.test(said), `garbage was answered with ${said.slice(0, 60)}`)
  })
}

async function malformed(stage: Stage, client: RawClient): Promise<void> {
  const line = stage.random.pick(smuggled)
  client.send(`POST ${stage.path('echo')} HTTP/1.1\r\nHost: ${host}\r\n${line}\r\n\r\n0\r\n\r\n`)
  const said = await client.rest().catch(() => '')
  expect(/^HTTP\/1\.1 4\d\d /.test(said), `${JSON.stringify(line)} was answered with ${said.slice(0, 60)}`)
}

function tunnel(stage: Stage): Promise<void> {
  return open(stage, async (client) => {
    await established(stage, client, `${bytesHost}:443`)
    const bytes = Buffer.alloc(stage.random.between(1, 500_000), `tunnel ${stage.random.below(1e9)} `)
    client.send(bytes)
    if (stage.random.chance(0.2)) return
    if (stage.random.chance(0.5)) client.end()
    expect((await client.until(bytes.length)) === bytes.toString('latin1'), 'a tunnel changed bytes')
  })
}

function wrongAuthority(stage: Stage): Promise<void> {
  return open(stage, async (client) => {
    await established(stage, client, `${host}:443`)
    for (const event of ['data', 'end', 'close', 'error']) client.socket.removeAllListeners(event)
    const tls = connectTls({ socket: client.socket, servername: host })
    await new Promise((resolve) => tls.on('error', resolve).on('secureConnect', resolve))
    expect(!tls.authorized, 'a client that does not know the authority trusted it')
    tls.destroy()
    client.socket.on('error', () => {})
  })
}

const nonsense = [
  '\0\0\0\0',
  'HELO there\r\n\r\n',
  'GET / HTTP/9.9\r\n\r\n',
  'GET http://plain.example/ HTTP/1.1\r\nHost : plain.example\r\n\r\n',
  'CONNECT : HTTP/1.1\r\n\r\n',
  'CONNECT soak.example:0 HTTP/1.1\r\nHost: soak.example:0\r\n\r\n',
  'CONNECT soak.example:99999 HTTP/1.1\r\n\r\n',
  'CONNECT http://soak.example/ HTTP/1.1\r\n\r\n',
  'CONNECT ../../etc/passwd:443 HTTP/1.1\r\n\r\n',
  'CONNECT 169.254.169.254:443 HTTP/1.1\r\n\r\n',
  'CONNECT nowhere.invalid:443 HTTP/1.1\r\n\r\n',
  'POST http://plain.example/ HTTP/1.1\r\nHost: plain.example\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  '\x16\x03\x01\x00\x05hello',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
]

const smuggled = [
  'Content-Length: 5\r\nTransfer-Encoding: chunked',
  'Content-Length: 1\r\nContent-Length: 2',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding : chunked',
  'X: a\r\n folded',
  'X: a\rb',
  'Content-Length: +5',
]
