import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { WebSocketServer } from 'ws'
import { stringify } from 'yaml'
import { attesting, revoke } from '../support/attesting.ts'
import { startChain, type Chain } from '../support/chain.ts'
import { fakeProviders } from '../support/fake-providers.ts'
import { throughProxy, type RawClient } from '../support/raw-client.ts'
import { runSallyport, type Sallyport } from '../support/sallyport.ts'
import { tlsThrough, type Row } from '../support/stage.ts'

const secret = 'AKIAZK3QXW5TN7RBJ2VD'
const hosts = ['one', 'two', 'sse', 'ws', 'pass', 'key', 'digest', 'again', 'change'].map((name) => `${name}.test`)
const tokenize = {
  intercept: [
    { hosts: ['pass.test'], action: 'tunnel' },
    { hosts: ['*.test'], action: 'inspect' },
  ],
  rules: [{ name: 'keys', on: 'request', hook: 'secrets', action: 'tokenize' }],
}
const flag = {
  intercept: [
    { hosts: ['gone.test'], action: 'deny' },
    { hosts: ['digest.test'], action: 'inspect', attestation: { policies: ['0'.repeat(64)] } },
    { hosts: ['*.test'], action: 'inspect' },
  ],
  rules: [{ name: 'keys', on: 'request', hook: 'secrets', action: 'flag' }],
}

let chain: Chain
const sockets = new WebSocketServer({ noServer: true })

before(async () => {
  chain = await startChain(fakeProviders({ delta: 5 }), {
    hosts,
    endpointPolicies: { 'a.yaml': tokenize },
    networkPolicies: { 'a.yaml': flag },
    origin: {
      onUpgrade: (request, socket, head) =>
        sockets.handleUpgrade(request, socket as Socket, head, (peer) =>
          peer.on('message', (data: Buffer) => peer.send(`heard ${data.toString()}`)),
        ),
    },
  })
})
after(() => chain?.[Symbol.asyncDispose]())

test('what the endpoint inspected the network proxy relays: one token for a connection, and both ledgers tell of it', async () => {
  const client = await inside('one.test')
  for (let turn = 0; turn < 2; turn += 1) assert.match(await chat(client, 'one.test'), new RegExp(`my key ${secret}`))
  client.close()
  for (const seen of seenBy('one.test')) {
    assert.ok(!seen.text().includes(secret))
    assert.match(seen.text(), /my key QX_/)
    assert.deepEqual(seen.headers.join().match(/attestation|sallyport|proxy-/i), null)
  }
  const ours = await endpointRows('one.test', 2)
  const [first, second] = ours.map(attestationOf)
  assert.deepEqual(first, second)
  assert.equal(first?.['outcome'], 'signed')
  assert.deepEqual(
    ours.map((row) => row['decision']),
    ['tokenize', 'tokenize'],
  )
  const theirs = await networkRow('one.test')
  assert.deepEqual([theirs['handling'], theirs['reason']], ['attested', `attested by ${chain.device.id}`])
  const verdict = attestationOf(theirs)
  assert.deepEqual([verdict?.['outcome'], verdict?.['policy']], ['valid', ours[0]?.['policy']])
  assert.deepEqual(pick(verdict), pick(first))
  assert.deepEqual(exchangesOf(chain.network, 'one.test'), [])
})

test('HTTP/2 and a stream pass the same way, restored piece by piece', async () => {
  const tls = await tlsThrough(chain.endpoint.proxyPort, 'sse.test:443', chain.endpoint.ca(), ['h2'])
  const session = connectHttp2('https://sse.test', { createConnection: () => tls })
  const stream = session.request({
    ':method': 'POST',
    ':path': '/v1/chat/completions',
    'content-type': 'application/json',
  })
  stream.end(chatBody(true))
  const text = Buffer.concat(await Array.fromAsync(stream as AsyncIterable<Buffer>)).toString()
  session.destroy()
  assert.match(said(text), new RegExp(`my key ${secret}`))
  const [row] = await endpointRows('sse.test', 1)
  assert.deepEqual([row?.['upstream_http_version'], row?.['stream'], row?.['decision']], ['2', 1, 'tokenize'])
  assert.deepEqual(pick(attestationOf(await networkRow('sse.test'))), pick(attestationOf(row)))
})

test('a WebSocket has a token of its own', async () => {
  const client = await inside('ws.test')
  client.send(
    'GET /ws HTTP/1.1\r\nHost: ws.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  )
  assert.match(await client.until('\r\n\r\n'), /^HTTP\/1\.1 101 /)
  client.send(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]))
  assert.equal(await client.until(10), '\x81\x08heard hi')
  client.close()
  const [row] = await endpointRows('ws.test', 1)
  assert.deepEqual(pick(attestationOf(await networkRow('ws.test'))), pick(attestationOf(row)))
})

test('what the endpoint tunnels is signed, too, and its row tells of the token', async () => {
  const client = await inside('pass.test', chain.authority.cert)
  await chat(client, 'pass.test')
  client.close()
  const row = await rowOf(chain.endpoint, 'connections', 'pass.test')
  assert.equal(row['handling'], 'tunnel')
  const theirs = await networkRow('pass.test')
  assert.deepEqual([theirs['handling'], pick(attestationOf(theirs))], ['attested', pick(attestationOf(row))])
})

test('under a policy set that the network proxy does not accept it inspects itself, with its own authority', async () => {
  await converse('digest.test')
  await inspectedTwice('digest.test', 'policy_not_accepted')
})

test('with another key than the one that is enrolled the network proxy inspects', async () => {
  await rotate(attesting('other').publicKey)
  await converse('key.test')
  await rotate(chain.device.publicKey)
  await inspectedTwice('key.test', 'bad_signature')
})

test('a token that somebody plays again is good for nothing', async () => {
  const [head = ''] = chain.wire.heads.filter((some) => some.startsWith('CONNECT one.test:443 '))
  const [, token = ''] = /\r\nSallyport-Attestation: (\S+)/.exec(head) ?? []
  assert.notEqual(token, '')
  const connectHeaders = `Sallyport-Attestation: ${token}\r\n`
  const client = await throughProxy(chain.network.proxyPort, {
    ca: chain.network.ca(),
    target: 'one.test:443',
    connectHeaders,
  })
  await chat(client, 'one.test')
  client.close()
  const row = (await rowsOf(chain.network, 'connections', 'one.test', 2)).find((one) => one['handling'] === 'inspect')
  assert.equal(attestationOf(row)?.['outcome'], 'replayed')
  assert.equal(seenBy('one.test').at(-1)?.header('sallyport-attestation'), undefined)
})

test('a CONNECT that the network proxy refuses leaves a row that tells of its token', async () => {
  const client = await inside('gone.test')
  const answer = await asked(client, 'gone.test')
  assert.deepEqual([answer.status, answer.header('sallyport-error')], [502, 'parent_proxy_failed'])
  client.close()
  const row = (await rowsOf(chain.endpoint, 'connections', 'gone.test', 1)).find((one) => one['client_ip'] === null)
  assert.deepEqual([row?.['handling'], row?.['error']], ['failed', 'parent_proxy_failed'])
  assert.equal(attestationOf(row)?.['outcome'], 'signed')
})

test('when another policy set comes into force, the next request has a connection under its digest', async () => {
  const client = await inside('change.test')
  await chat(client, 'change.test')
  const open = chain.wire.open()
  const before = chain.endpoint.rows('events').length
  const next = { ...tokenize, rules: [...tokenize.rules, { name: 'more', on: 'request', hook: 'pii', action: 'flag' }] }
  writeFileSync(join(chain.endpoint.dir, 'policies', 'a.yaml'), stringify(next))
  while (
    !chain.endpoint
      .rows('events')
      .slice(before)
      .some((event) => event['what'] === 'policy.reload')
  )
    await moment()
  while (chain.wire.open() >= open) await moment()
  await chat(client, 'change.test')
  client.close()
  const [first, second] = await endpointRows('change.test', 2)
  for (const row of [first, second]) assert.equal(attestationOf(row)?.['policy'], row?.['policy'])
  assert.notEqual(first?.['policy'], second?.['policy'])
  assert.notEqual(attestationOf(first)?.['jti'], attestationOf(second)?.['jti'])
  chain.wire.cut()
  const rows = await rowsOf(chain.network, 'connections', 'change.test', 2)
  assert.deepEqual(
    rows.map((row) => attestationOf(row)?.['outcome']),
    ['valid', 'valid'],
  )
})

test('a revoked device is inspected from its next connection on', async () => {
  const client = await inside('two.test')
  await chat(client, 'two.test')
  revoke(dataOf(chain.network), chain.device)
  // What was relayed already goes on.
  await chat(client, 'two.test')
  client.close()
  await converse('again.test')
  await inspectedTwice('again.test', 'revoked')
  assert.equal(attestationOf(await networkRow('two.test'))?.['outcome'], 'valid')
})

test('the two ledgers agree on every token, but for the one that was played again', async () => {
  chain.wire.cut()
  await chain.endpoint.stop()
  const paths = [chain.endpoint, chain.network].map((one) => join(dataOf(one), 'sallyport.db'))
  const ran = await runSallyport(['attest', 'reconcile', ...paths, '--json'], chain.endpoint.dir)
  const lines = ran.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Row)
  const last = lines.pop()
  assert.deepEqual(
    lines
      .map(({ what, ledger, host }) => [what, ledger, host])
      .toSorted((a, b) => String(a[0]).localeCompare(String(b[0]))),
    [
      ['failed', 'A', 'gone.test'],
      ['replayed', 'B', 'one.test'],
    ],
    ran.stdout,
  )
  assert.deepEqual(last?.['both'], { bad_signature: 1, policy_not_accepted: 1, revoked: 1, valid: 7 })
  assert.equal(ran.status, 1)
})

async function converse(host: string): Promise<void> {
  const client = await inside(host)
  assert.match(await chat(client, host), /my key/)
  client.close()
}

async function rotate(key: Buffer): Promise<void> {
  const { file, dir } = chain.network
  const key64 = key.toString('base64url')
  const ran = await runSallyport(['attest', 'rotate', chain.device.id, '--public-key', key64, '-c', file], dir)
  assert.equal(ran.status, 0, ran.stderr)
}

async function inspectedTwice(host: string, outcome: string): Promise<void> {
  const [ours] = await endpointRows(host, 1)
  const theirs = await networkRow(host)
  assert.equal(theirs['handling'], 'inspect')
  assert.deepEqual(pick(attestationOf(theirs)), pick(attestationOf(ours)))
  assert.equal(attestationOf(theirs)?.['outcome'], outcome)
  const [exchange] = await rowsOf(chain.network, 'exchanges', host, 1)
  assert.deepEqual([exchange?.['status'], exchange?.['connection_id']], [200, theirs['id']])
  for (const seen of seenBy(host)) assert.doesNotMatch(seen.headers.join(), /attestation/i)
}

const dataOf = ({ dir }: Sallyport): string => join(dir, 'data')
const chatBody = (stream = false): string =>
  JSON.stringify({ model: 'gpt-5.1', stream, messages: [{ role: 'user', content: `my key ${secret}` }] })
/** The pieces of a stream, joined. */
const said = (text: string): string =>
  text
    .split('\n')
    .filter((line) => line.startsWith('data: {'))
    .map(
      (line) =>
        (JSON.parse(line.slice(6)) as { choices: { delta?: { content?: string } }[] }).choices[0]?.delta?.content ?? '',
    )
    .join('')

const inside = (host: string, ca = chain.endpoint.ca()) =>
  throughProxy(chain.endpoint.proxyPort, { ca, target: `${host}:443`, alpn: ['http/1.1'] })

async function chat(client: RawClient, host: string): Promise<string> {
  const answer = await asked(client, host)
  assert.equal(answer.status, 200, answer.body)
  return answer.body
}

async function asked(client: RawClient, host: string): ReturnType<RawClient['answer']> {
  const body = chatBody()
  client.send(
    `POST /v1/chat/completions HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
  return client.answer()
}

const moment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20))
const seenBy = (host: string) => chain.origin.seen.filter((seen) => (seen.header('host') ?? seen.sni) === host)

type Attestation = Row | null
const attestationOf = (row: Row | undefined): Attestation =>
  JSON.parse(String(row?.['attestation'] ?? null)) as Attestation
const pick = (some: Attestation | undefined): unknown => ({
  jti: some?.['jti'],
  device: some?.['device'],
  policy: some?.['policy'],
})

const exchangesOf = (of: Sallyport, host: string): Row[] => of.rows('exchanges').filter((row) => row['host'] === host)
async function rowsOf(of: Sallyport, table: 'exchanges' | 'connections', host: string, count: number): Promise<Row[]> {
  const fits = (row: Row): boolean => row['host'] === host && row['state'] !== 'open'
  const rows = await of.rowsWhen(table, (some) => some.filter(fits).length >= count)
  return rows.filter(fits)
}
const rowOf = async (of: Sallyport, table: 'exchanges' | 'connections', host: string): Promise<Row> =>
  (await rowsOf(of, table, host, 1))[0] as Row
const endpointRows = (host: string, count: number): Promise<Row[]> => rowsOf(chain.endpoint, 'exchanges', host, count)
/** The network proxy's row of the endpoint's connection, which is written when that ends. */
const networkRow = (host: string): Promise<Row> => {
  chain.wire.cut()
  return rowOf(chain.network, 'connections', host)
}
