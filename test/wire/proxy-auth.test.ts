import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { startOrigin, type Origin } from '../support/origin.ts'
import { rawClient, type RawClient } from '../support/raw-client.ts'
import type { Ran } from '../support/sallyport.ts'
import { startStage, type Row, type Stage } from '../support/stage.ts'

const host = 'api.openai.com'

let stage: Stage
let plain: Origin
const secrets: string[] = []
let address = 2

before(async () => {
  plain = await startOrigin((seen, response) => void response.end(`plain ${seen.url}`))
  stage = await startStage((seen, response) => void response.end(`secret ${seen.url}`), {
    hosts: [host],
    origins: { [`${host}:80`]: plain },
    config: { proxy: { auth: 'basic' } },
  })
})

after(async () => {
  await stage[Symbol.asyncDispose]()
  await plain.close()
})

/** Makes a key by the command, in the same data folder. */
async function key(name: string, ...more: string[]): Promise<{ id: string; name: string; key: string }> {
  const { stdout, stderr } = await command('create', '--name', name, '--json', ...more)
  assert.equal(stderr, '')
  const made = JSON.parse(stdout) as { id: string; name: string; key: string }
  secrets.push(made.key)
  return made
}

const command = (...args: string[]): Promise<Ran> => stage.sallyport.run(['key', ...args])

const authorization = (name: string, token: string): string => {
  const credentials = Buffer.from(`${name}:${token}`).toString('base64')
  secrets.push(credentials)
  return `Proxy-Authorization: Basic ${credentials}\r\n`
}

/** A client with an address of its own, because wrong tokens count against an address. */
function fresh(): Promise<RawClient> {
  address += 1
  return rawClient(stage.sallyport.proxyPort, undefined, `127.0.0.${address}`)
}

const connect = (more = '', target = `${host}:443`): string =>
  `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${more}\r\n`
const get = (path: string, more = ''): string => `GET http://${host}${path} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`

/** The rows of a client, in the order they were written. */
const rowsFrom = (rows: Row[], from: unknown): Row[] =>
  rows.filter(({ client_ip }) => client_ip === from).sort((a, b) => Number(a['seq']) - Number(b['seq']))

async function untilRefused(name: string, token: string): Promise<void> {
  for (let tries = 0; (await asked(authorization(name, token))) !== 407; tries += 1) {
    if (tries > 200) throw new Error(`${name} is never refused`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** What one CONNECT is answered. */
async function asked(more: string): Promise<number> {
  const client = await fresh()
  client.send(connect(more))
  const status = Number((await client.until('\r\n\r\n')).split(' ')[1])
  client.close()
  return status
}

test('without credentials a CONNECT gets a challenge, and the same connection may ask again', async () => {
  const ci = await key('again')
  const client = await fresh()
  client.send(connect())
  const challenge = await client.answer()
  assert.equal(challenge.status, 407)
  assert.equal(challenge.header('proxy-authenticate'), 'Basic realm="sallyport", charset="UTF-8"')
  assert.deepEqual(
    [challenge.header('connection'), challenge.header('sallyport-error')],
    ['keep-alive', 'proxy_auth_required'],
  )
  client.send(connect(authorization('again', 'sp-wrong')))
  assert.equal((await client.answer()).status, 407)
  client.send(connect(authorization('again', ci.key)))
  assert.match(await client.until('\r\n\r\n'), /^HTTP\/1\.1 200 /)
  for (const event of ['data', 'end', 'close', 'error']) client.socket.removeAllListeners(event)
  const tls = connectTls({
    socket: client.socket,
    servername: host,
    ca: stage.sallyport.ca(),
    ALPNProtocols: ['http/1.1'],
  })
  tls.write(`GET /again HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
  let text = ''
  for await (const chunk of tls) text += String(chunk)
  assert.match(text, /secret \/again$/)
  const exchange = await stage.exchange('/again')
  assert.equal(exchange['principal'], 'again')
  const rows = await stage.sallyport.rowsWhen('connections', (some) =>
    some.some(({ id }) => id === exchange['connection_id']),
  )
  const mine = rowsFrom(rows, exchange['client_ip'])
  assert.deepEqual(
    mine.map(({ handling, error, principal }) => [handling, error, principal]),
    [
      ['deny', 'proxy_auth_required', null],
      ['deny', 'proxy_auth_required', null],
      ['inspect', null, 'again'],
    ],
  )
  assert.equal(new Set(mine.map(({ id }) => id)).size, 3)
})

test('a plain request gets a challenge, and the same connection may ask again', async () => {
  const ci = await key('plain')
  const client = await fresh()
  client.send(get('/plain-refused'))
  const challenge = await client.answer()
  assert.equal(challenge.status, 407)
  assert.equal(challenge.header('proxy-authenticate'), 'Basic realm="sallyport", charset="UTF-8"')
  client.send(get('/plain', authorization('plain', ci.key)))
  assert.equal((await client.answer()).body, 'plain /plain')
  client.send(get('/plain-anonymous'))
  assert.equal((await client.answer()).status, 407)
  client.close()
  const [seen] = plain.seen.filter(({ url }) => url === '/plain')
  assert.equal(seen?.header('proxy-authorization'), undefined)
  assert.deepEqual(
    plain.seen.map(({ url }) => url).filter((url) => url.startsWith('/plain')),
    ['/plain'],
  )
  const row = await stage.exchange('/plain')
  assert.deepEqual([row['principal'], row['status']], ['plain', 200])
  const refused = await stage.exchange('/plain-refused')
  assert.deepEqual([refused['principal'], refused['status'], refused['error']], [null, 407, 'proxy_auth_required'])
})

test('a plain WebSocket needs credentials like everything else', async () => {
  const upgrade =
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'
  const client = await fresh()
  client.send(get('/socket', upgrade))
  assert.equal((await client.answer()).status, 407)
  assert.equal(plain.seen.filter(({ url }) => url === '/socket').length, 0)
})

test('the set-up page and the certificate are for everybody', async () => {
  const client = await fresh()
  client.send('GET /ca.pem HTTP/1.1\r\nHost: proxy\r\n\r\n')
  assert.match((await client.answer()).body, /BEGIN CERTIFICATE/)
  client.close()
})

test('name and token must be those of one key', async () => {
  const [one, two] = [await key('one'), await key('two')]
  assert.equal(await asked(authorization('one', one.key)), 200)
  for (const [name, token] of [
    ['one', two.key],
    ['', one.key],
    ['nobody', one.key],
    ['one', ''],
    ['one', one.key.slice(0, -1)],
  ] as const) {
    assert.equal(await asked(authorization(name, token)), 407, name)
  }
  assert.equal(await asked(`Proxy-Authorization: Bearer ${one.key}\r\n`), 407)
})

test('a key ends while the proxy runs: revoked, rotated, expired', async () => {
  const [revoked, rotated, short] = [await key('revoked'), await key('rotated'), await key('short', '--expires', '3s')]
  for (const { name, key: token } of [short, revoked, rotated])
    assert.equal(await asked(authorization(name, token)), 200)
  await command('revoke', revoked.id)
  const { key: renewed } = JSON.parse((await command('rotate', rotated.id, '--json')).stdout) as { key: string }
  secrets.push(renewed)
  for (const { name, key: token } of [revoked, rotated, short]) await untilRefused(name, token)
  assert.equal(await asked(authorization('rotated', renewed)), 200)
  const refusals = stage.sallyport.log().match(/"because":"\w+"/g)
  assert.deepEqual(refusals?.filter((some) => /revoked|expired/.test(some)).sort(), [
    '"because":"expired"',
    '"because":"revoked"',
  ])
})

test('a key is good only from the addresses it allows', async () => {
  const far = await key('far', '--allow', '10.0.0.0/8')
  const near = await key('near', '--allow', '127.0.0.0/8')
  assert.equal(await asked(authorization('far', far.key)), 407)
  assert.equal(await asked(authorization('near', near.key)), 200)
})

const notKept: [what: string, bytes: () => string][] = [
  ['carries the beginning of a tunnel', () => `${connect()}GET / HTTP/1.1\r\n\r\n`],
  ['says close', () => connect('Proxy-Connection: Close\r\n')],
  ['is HTTP/1.0', () => connect().replace('HTTP/1.1', 'HTTP/1.0')],
]

for (const [what, bytes] of notKept) {
  test(`a refused CONNECT that ${what} closes the connection`, async () => {
    const client = await fresh()
    client.send(bytes())
    const answer = await client.answer()
    assert.deepEqual([answer.status, answer.header('connection')], [407, 'close'])
    assert.equal(await client.rest(), '')
  })
}

test('a connection is asked a few times, not for ever', async () => {
  const client = await fresh()
  const said: (string | undefined)[] = []
  while (said.at(-1) !== 'close') {
    client.send(connect())
    said.push((await client.answer()).header('connection'))
  }
  assert.deepEqual(said, ['keep-alive', 'keep-alive', 'keep-alive', 'close'])
  assert.equal(await client.rest(), '')
})

test('bytes that are no request after a challenge are refused, and recorded', async () => {
  const client = await fresh()
  const from = client.socket.localAddress
  client.send(connect())
  await client.answer()
  client.send('\u0016\u0003\u0001\u0000\u0005hello\r\n\r\n')
  assert.equal((await client.answer()).status, 400)
  const rows = rowsFrom(
    await stage.sallyport.rowsWhen('connections', (some) => rowsFrom(some, from).length === 2),
    from,
  )
  assert.deepEqual(
    rows.map(({ error }) => error),
    ['proxy_auth_required', 'malformed_request'],
  )
})

test('a client that leaves after a challenge leaves one row', async () => {
  const client = await fresh()
  const from = client.socket.localAddress
  client.send(connect())
  await client.answer()
  client.close()
  // Its end is noticed before that of the next.
  ;(await rawClient(stage.sallyport.proxyPort, undefined, from)).close()
  const silent = (row: Row): boolean => row['client_ip'] === from && row['reason'] === 'closed before a request'
  const rows = await stage.sallyport.rowsWhen('connections', (some) => some.some(silent))
  assert.deepEqual(
    rowsFrom(rows, from).map(({ reason }) => reason),
    ['this proxy wants credentials', 'closed before a request'],
  )
})

test('after ten wrong tokens even the right one has to wait, and is told so', async () => {
  const ci = await key('patient')
  address += 1
  const from = `127.0.0.${address}`
  for (let i = 0; i < 10; i += 1) {
    const client = await rawClient(stage.sallyport.proxyPort, undefined, from)
    client.send(connect(authorization('patient', 'sp-wrong')))
    assert.equal((await client.answer()).status, 407)
    client.close()
  }
  const client = await rawClient(stage.sallyport.proxyPort, undefined, from)
  client.send(connect(authorization('patient', ci.key)))
  const answer = await client.answer()
  assert.deepEqual([answer.status, answer.header('retry-after'), answer.header('connection')], [429, '60', 'close'])
  assert.equal(answer.header('sallyport-error'), 'too_many_failures')
  assert.equal(await asked(authorization('patient', ci.key)), 200)
})

test('exec passes by a proxy that asks for credentials, and its command goes through one of its own', async () => {
  const { status, stdout } = await stage.sallyport.run([
    'exec',
    '--',
    process.execPath,
    '-e',
    `fetch('https://${host}/exec').then((answer) => answer.text()).then(console.log)`,
  ])
  assert.deepEqual([status, stdout], [0, 'secret /exec\n'])
  assert.equal((await stage.exchange('/exec'))['principal'], null)
})

test('no secret is in a log or a file', async () => {
  await stage.sallyport.stop()
  const unique = [...new Set(secrets)]
  assert.ok(unique.length > 10)
  for (const secret of unique) {
    assert.ok(!stage.sallyport.log().includes(secret))
    assert.deepEqual(stage.sallyport.filesWith(secret), [])
  }
})
