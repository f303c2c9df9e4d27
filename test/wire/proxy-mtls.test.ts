import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { ConnectionOptions } from 'node:tls'
import { testAuthority } from '../support/authority.ts'
import { rawClient } from '../support/raw-client.ts'
import { startSallyport, type Sallyport } from '../support/sallyport.ts'
import { startStage, type Stage } from '../support/stage.ts'
import { tempFolder } from '../support/temp.ts'
import { tlsClient, tlsWithin, type TlsClient } from '../support/tls-client.ts'

const host = 'api.openai.com'
const doors = testAuthority('Doors')
const clients = testAuthority('Clients')
const dir = tempFolder('proxy-mtls')
const file = (name: string, text: string): string => {
  const path = join(dir, name)
  writeFileSync(path, text, { mode: 0o600 })
  return path
}
const gate = doors.issue(['gate.example'])
const tls = {
  cert: file('cert.pem', gate.cert),
  key: file('key.pem', gate.key),
  clientCa: [file('clients.pem', clients.cert)],
}
const ada = clients.issue(['ada'], { usage: 'client' })
const workload = clients.issue([], { usage: 'client', subject: [], uris: ['spiffe://corp/batch'] })
const guest = clients.issue(['guest'], { usage: 'client' })
const expired = clients.issue(['ada'], { usage: 'client', notBefore: -7_200_000, notAfter: -3_600_000 })
const forged = testAuthority('Clients').issue(['ada'], { usage: 'client' })

let stage: Stage
before(async () => {
  stage = await startStage((seen, response) => void response.end(`secret ${seen.url}`), {
    hosts: [host],
    config: { proxy: { tls, auth: 'mtls' } },
    policies: {
      'a.yaml': {
        intercept: [{ hosts: [host], action: 'inspect' }],
        rules: [
          {
            name: 'no guests',
            on: 'request',
            when: { principal: 'guest' },
            hook: 'keywords',
            options: { words: ['forbidden'], name: 'words' },
            action: 'block',
            onError: 'block',
          },
        ],
      },
    },
  })
})
after(() => stage[Symbol.asyncDispose]())

const open = (options: ConnectionOptions & { readonly from?: string } = {}): Promise<TlsClient> =>
  tlsClient(stage.sallyport.proxyPort, { ca: doors.cert, servername: 'gate.example', ...options })
const connect = `CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\n\r\n`

for (const [identity, principal] of [
  [ada, 'ada'],
  [workload, 'spiffe://corp/batch'],
] as const) {
  test(`a client with a certificate is ${principal}, in both rows`, async () => {
    const path = `/v1/as/${principal.replaceAll(/\W/g, '-')}`
    const client = await tlsWithin(await open(identity), `${host}:443`, { ca: stage.sallyport.ca() })
    client.send(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    assert.equal((await client.answer()).body, `secret ${path}`)
    client.close()
    const row = await stage.exchange(path)
    assert.equal(row['principal'], principal)
    assert.equal((await stage.row('connections', (one) => one['id'] === row['connection_id']))['principal'], principal)
  })
}

const turned: [what: string, options: ConnectionOptions, message: RegExp, from: string][] = [
  ['no certificate', {}, /this proxy wants a client certificate/, '127.0.0.61'],
  [
    'a certificate of another authority of that name',
    forged,
    /not valid: UNABLE_TO_VERIFY_LEAF_SIGNATURE/,
    '127.0.0.62',
  ],
  ['an expired certificate', expired, /not valid: CERT_HAS_EXPIRED/, '127.0.0.63'],
]

for (const [what, options, message, from] of turned) {
  test(`a client with ${what} is refused, with a row, by CONNECT and by absolute target`, async () => {
    const first = await open({ ...options, from })
    first.send(connect)
    const answer = await first.answer()
    assert.deepEqual([answer.status, answer.header('sallyport-error')], [403, 'client_certificate_required'])
    assert.equal(answer.header('proxy-authenticate'), undefined)
    assert.match(answer.body, message)
    assert.equal(await first.rest(), '')
    const row = await stage.row('connections', (one) => one['client_ip'] === from)
    assert.deepEqual(
      [row['handling'], row['error'], row['principal'], row['host']],
      ['deny', 'client_certificate_required', null, host],
    )
    const second = await open({ ...options, from })
    second.send(`GET http://${host}/plain HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    assert.equal((await second.answer()).status, 403)
    const exchange = await stage.row('exchanges', (one) => one['client_ip'] === from)
    assert.deepEqual([exchange['error'], exchange['principal']], ['client_certificate_required', null])
    second.close()
  })
}

test('a client without TLS is refused, a name and token change nothing, and the pages stay within reach', async () => {
  for (const more of ['', `Proxy-Authorization: Basic ${Buffer.from('ada:x').toString('base64')}\r\n`]) {
    const bare = await rawClient(stage.sallyport.proxyPort)
    bare.send(connect.replace(/\r\n$/, `${more}\r\n`))
    const answer = await bare.answer()
    assert.deepEqual([answer.status, answer.header('sallyport-error')], [403, 'client_certificate_required'])
    await bare.rest()
  }
  for (const client of [await rawClient(stage.sallyport.proxyPort), await open(), await open(forged)]) {
    client.send('GET /ca.pem HTTP/1.1\r\nHost: x\r\n\r\n')
    assert.equal((await client.answer()).body, stage.sallyport.ca())
    client.close()
  }
  assert.equal(
    stage.origin.seen.some(({ url }) => url === '/plain'),
    false,
  )
})

test('an address with too many wrong certificates has to wait, also with a right one; others do not', async () => {
  const from = '127.0.0.71'
  const ask = async (options: ConnectionOptions, at = from): Promise<number> => {
    const client = await open({ ...options, from: at })
    client.send(connect)
    const [, status] = (await client.until('\r\n')).split(' ')
    client.close()
    return Number(status)
  }
  for (let i = 0; i < 10; i += 1) assert.equal(await ask(forged), 403)
  assert.equal(await ask(ada), 429)
  assert.equal(await ask(ada, '127.0.0.72'), 200)
})

test('a policy may be for one principal alone', async () => {
  const body = '{"model":"m","messages":[{"role":"user","content":"forbidden"}]}'
  for (const [identity, status] of [
    [ada, 200],
    [guest, 403],
  ] as const) {
    const client = await tlsWithin(await open(identity), `${host}:443`, { ca: stage.sallyport.ca() })
    client.send(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
    assert.equal((await client.answer()).status, status)
    client.close()
  }
})

test('with workers every process resumes the sessions of the others, at the door and inside', async () => {
  await using crowd = await startSallyport({
    config: { proxy: { tls }, workers: 2, upstream: { resolve: { [`${host}:443`]: stage.origin.address } } },
  })
  let outer: Buffer | undefined
  let inner: Buffer | undefined
  for (let i = 0; i < 6; i += 1) {
    const door = await tlsClient(crowd.proxyPort, {
      ca: doors.cert,
      servername: 'gate.example',
      ...(outer === undefined ? {} : { session: outer }),
    })
    door.tls.on('session', (session: Buffer) => (outer = session))
    const client = await tlsWithin(door, `${host}:443`, {
      ca: crowd.ca(),
      ...(inner === undefined ? {} : { session: inner }),
    })
    client.tls.on('session', (session: Buffer) => (inner = session))
    assert.deepEqual([door.tls.isSessionReused(), client.tls.isSessionReused()], [i > 0, i > 0], `connection ${i}`)
    client.send(`GET /v1/x HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    await client.answer()
    client.close()
  }
})

test('basic works over TLS: the challenge, then the answer, on one connection', async () => {
  await using other: Sallyport = await startSallyport({
    config: { proxy: { tls, auth: 'basic' }, upstream: { resolve: { [`${host}:443`]: '127.0.0.1:1' } } },
  })
  const made = await other.run(['key', 'create', '--name', 'ci', '--json'])
  const { key } = JSON.parse(made.stdout) as { key: string }
  const client = await tlsClient(other.proxyPort, { ca: doors.cert, servername: 'gate.example', ...ada })
  client.send(connect)
  const challenge = await client.answer()
  assert.deepEqual([challenge.status, challenge.header('connection')], [407, 'keep-alive'])
  const credentials = Buffer.from(`ci:${key}`).toString('base64')
  const inner = await tlsWithin(
    client,
    `${host}:443`,
    { ca: other.ca() },
    `Proxy-Authorization: Basic ${credentials}\r\n`,
  )
  inner.send(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  assert.equal((await inner.answer()).status, 502)
  inner.close()
  const rows = await other.rowsWhen('connections', (some) => some.length === 2)
  assert.deepEqual(rows.map((row) => `${row['principal'] ?? 'nobody'} ${row['handling']} ${row['client_ip']}`).sort(), [
    'ci inspect 127.0.0.1',
    'nobody deny 127.0.0.1',
  ])
})

test('broken files are an error at the start', async () => {
  await assert.rejects(
    startSallyport({ config: { proxy: { tls: { ...tls, key: tls.cert } } } }),
    /is not a private key in PEM/,
  )
})
