import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { after, before, test } from 'node:test'
import { attesting } from '../support/attesting.ts'
import { startChain, type Chain } from '../support/chain.ts'
import { fakeProviders } from '../support/fake-providers.ts'
import { freePorts } from '../support/free-ports.ts'
import { over, rawClient } from '../support/raw-client.ts'
import { runSallyport, type Sallyport } from '../support/sallyport.ts'
import type { Row } from '../support/stage.ts'

// An endpoint whose clients know nothing of a proxy, which proves to another one that it has inspected them; each with two workers.

const secret = 'AKIAZK3QXW5TN7RBJ2VD'
let chain: Chain
let port = 0

before(async () => {
  ;[port = 0] = await freePorts(1)
  chain = await startChain(fakeProviders(), {
    hosts: ['one.test', 'pass.test', 'late.test'],
    endpoint: { workers: 2, proxy: { transparent: `127.0.0.1:${port}` } },
    network: { workers: 2 },
    endpointPolicies: {
      'a.yaml': {
        intercept: [
          { hosts: ['pass.test'], action: 'tunnel' },
          { hosts: ['*.test'], action: 'inspect' },
        ],
        rules: [{ name: 'keys', on: 'request', hook: 'secrets', action: 'tokenize' }],
      },
    },
    networkPolicies: { 'a.yaml': { intercept: [{ hosts: ['*.test'], action: 'inspect' }] } },
  })
})
after(() => chain?.[Symbol.asyncDispose]())

test('what was redirected to an endpoint and inspected there is relayed, and both ledgers tell of the token', async () => {
  assert.match(await chat('one.test'), new RegExp(`my key ${secret}`))
  for (const seen of chain.origin.seen) {
    assert.doesNotMatch(seen.text(), new RegExp(secret))
    assert.doesNotMatch(seen.headers.join(), /attestation|sallyport/i)
  }
  const ours = await rowOf(chain.endpoint, 'exchanges', 'one.test')
  assert.deepEqual([ours['decision'], ours['port']], ['tokenize', 443])
  await sameToken(ours, 'one.test')
})

test('what it relays is signed for, too', async () => {
  await chat('pass.test', chain.authority.cert)
  const ours = await rowOf(chain.endpoint, 'connections', 'pass.test')
  assert.deepEqual([ours['handling'], ours['sni']], ['tunnel', 'pass.test'])
  await sameToken(ours, 'pass.test')
})

test('a request of plain HTTP goes to the parent as one, without a token', async () => {
  const client = await rawClient(port)
  client.send('GET /plain HTTP/1.1\r\nHost: nowhere.test\r\nConnection: close\r\n\r\n')
  assert.equal((await client.answer()).status, 502)
  const [head] = chain.wire.heads.slice(-1)
  assert.match(head ?? '', /^GET http:\/\/nowhere\.test\/plain HTTP\/1\.1\r\n/)
  assert.doesNotMatch(head ?? '', /attestation/i)
})

test('another key is signed with from a reload on', async () => {
  const { endpoint, network, device } = chain
  const next = attesting(device.id)
  const text = next.publicKey.toString('base64url')
  const ran = await runSallyport(['attest', 'rotate', device.id, '--public-key', text, '-c', network.file], network.dir)
  assert.equal(ran.status, 0, ran.stderr)
  writeFileSync(join(endpoint.dir, 'device.pem'), next.key.export({ format: 'pem', type: 'pkcs8' }))
  endpoint.child.kill('SIGHUP')
  const outcomes = (): unknown[] => rowsOf(network, 'connections', 'late.test').map((row) => told(row)?.['outcome'])
  while (!outcomes().includes('valid')) {
    await chat('late.test', endpoint.ca())
    chain.wire.cut()
  }
  assert.ok(outcomes().every((outcome) => outcome === 'valid' || outcome === 'bad_signature'))
})

/** Asks by the transparent listener, as a client that has been redirected. */
async function chat(host: string, ca = chain.endpoint.ca()): Promise<string> {
  const socket = connectTls({ port, host: '127.0.0.1', servername: host, ca })
  await once(socket, 'secureConnect')
  const client = over(socket)
  const body = JSON.stringify({ model: 'gpt-5.1', messages: [{ role: 'user', content: `my key ${secret}` }] })
  client.send(
    `POST /v1/chat/completions HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
  const answer = await client.answer()
  client.close()
  assert.equal(answer.status, 200, answer.body)
  return answer.body
}

async function sameToken(ours: Row, host: string): Promise<void> {
  const signed = told(ours)
  assert.equal(signed?.['outcome'], 'signed')
  chain.wire.cut()
  const theirs = await rowOf(chain.network, 'connections', host)
  assert.equal(theirs['handling'], 'attested')
  const verdict = told(theirs)
  assert.deepEqual(
    [verdict?.['outcome'], verdict?.['jti'], verdict?.['policy']],
    ['valid', signed?.['jti'], signed?.['policy']],
  )
}

const told = (row: Row): Row | null => JSON.parse(String(row['attestation'])) as Row | null
const rowsOf = (of: Sallyport, table: 'exchanges' | 'connections', host: string): Row[] =>
  of.rows(table).filter((row) => row['host'] === host && row['state'] !== 'open')
async function rowOf(of: Sallyport, table: 'exchanges' | 'connections', host: string): Promise<Row> {
  await of.rowsWhen(table, () => rowsOf(of, table, host).length > 0)
  return rowsOf(of, table, host)[0] as Row
}
