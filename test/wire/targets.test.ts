import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { testAuthority } from '../support/authority.ts'
import { startOrigin, type Origin, type OriginHandler } from '../support/origin.ts'
import { startStage, type Stage } from '../support/stage.ts'

const idn = 'xn--bcher-kva.example'
const hosts = ['api.openai.com', idn, 'tunnelled.example']
let stage: Stage
let plain: Origin
let six: Origin

before(async () => {
  plain = await startOrigin((seen, response) => void response.end(`plain ${seen.header('host')}`))
  const authority = testAuthority()
  const told: OriginHandler = (seen, response) => void response.end(`${seen.method} ${seen.url} ${seen.header('host')}`)
  six = await startOrigin(told, { authority, names: ['2001:db8::7'] })
  stage = await startStage(told, {
    authority,
    hosts,
    origin: { alpn: ['http/1.1'] },
    origins: {
      'api.openai.com:80': plain,
      'api.openai.com:8443': plain,
      [`${idn}:80`]: plain,
      '[2001:db8::7]:443': six,
    },
    policies: {
      'a.yaml': {
        intercept: [
          { hosts: ['tunnelled.example'], action: 'tunnel' },
          {
            hosts: ['catalogue', idn, '2001:db8::7', '127.0.0.1', '::', '::1', 'localhost', 'self.example'],
            action: 'inspect',
          },
        ],
      },
    },
  })
})

after(async () => {
  await stage[Symbol.asyncDispose]()
  await plain.close()
  await six.close()
})

const utf8 = (text: string): string => Buffer.from(text).toString('latin1')

const connects: [target: string, status: number, code: string][] = [
  ...[
    'me:pw@api.openai.com:443',
    'api.openai.com',
    'api.openai.com:',
    'api.openai.com:0',
    'api.openai.com:65536',
    'api.openai.com:99999999',
    'http://api.openai.com:443',
    'http://api.openai.com/',
    'api.openai.com:443/x',
    '../../etc/x:443',
    '/:443',
    '*',
    '[fe80::1%25eth0]:443',
    '::1:443',
    '127.1:443',
    '0x7f.1:443',
    '017700000001:443',
    '2130706433:443',
    '0:443',
    utf8('\uff11\uff12\uff17.0.0.1:443'),
    utf8('bücher.example:443'),
    `${'a'.repeat(64)}.example:443`,
  ].map((target): [string, number, string] => [target, 400, 'malformed_request']),
  ['api.openai.com:443 ', 400, 'malformed_request'],
  [' api.openai.com:443', 400, 'malformed_request'],
  ['[::]:443', 403, 'address_not_allowed'],
  ['[::1]:443', 403, 'address_not_allowed'],
  ['[::ffff:127.0.0.1]:443', 403, 'address_not_allowed'],
  ['127.0.0.1.:443', 403, 'address_not_allowed'],
  ['LOCALHOST.:443', 403, 'address_not_allowed'],
]

for (const [target, status, code] of connects) {
  test(`CONNECT ${JSON.stringify(target)} is ${status} ${code}, with one row`, async () => {
    const before = stage.sallyport.rows('connections').length
    const client = await stage.raw()
    client.send(`CONNECT ${target} HTTP/1.1\r\nHost: proxy\r\n\r\n`)
    const answer = await client.answer()
    assert.deepEqual([answer.status, answer.header('sallyport-error')], [status, code])
    await client.rest()
    const rows = await stage.sallyport.rowsWhen('connections', (some) => some.length > before)
    assert.deepEqual(
      rows.slice(before).map((one) => one['error']),
      [code],
    )
  })
}

for (const target of ['api.openai.com\0:443', 'api.openai.com :443', 'api.openai.com:443 x', 'a\tb:443']) {
  test(`CONNECT ${JSON.stringify(target)} is no request`, async () => {
    const before = stage.sallyport.rows('connections').length
    const client = await stage.raw()
    client.send(`CONNECT ${target} HTTP/1.1\r\nHost: proxy\r\n\r\n`)
    assert.equal((await client.answer()).status, 400)
    await client.rest()
    const rows = await stage.sallyport.rowsWhen('connections', (some) => some.length > before)
    assert.equal(rows.length, before + 1)
  })
}

const faults: [what: string, lines: string, rest: string][] = [
  ['a body', 'Content-Length: 5\r\n', 'hello'],
  ['a chunked body', 'Transfer-Encoding: chunked\r\n', '5\r\nhello\r\n0\r\n\r\n'],
  ['a request for a body', 'Content-Length: 43\r\n', 'GET /smuggled HTTP/1.1\r\nHost: api.openai.com\r\n\r\n'],
  ['a length that is none', 'Content-Length: x\r\n', ''],
  ['two Hosts', 'Host: b\r\n', ''],
]

for (const [what, lines, rest] of faults) {
  test(`a CONNECT with ${what} is refused, and nothing of it reaches a tunnel`, async () => {
    const seen = stage.origin.seen.length + stage.origin.connections()
    const before = stage.sallyport.rows('connections').length
    const client = await stage.raw()
    client.send(`CONNECT tunnelled.example:443 HTTP/1.1\r\nHost: tunnelled.example:443\r\n${lines}\r\n${rest}`)
    assert.equal((await client.answer()).status, 400)
    assert.equal(await client.rest(), '')
    const rows = await stage.sallyport.rowsWhen('connections', (some) => some.length > before)
    assert.deepEqual([rows.length, rows.at(-1)?.['error']], [before + 1, 'malformed_request'])
    assert.equal(stage.origin.seen.length + stage.origin.connections(), seen)
  })
}

test('a CONNECT that says it has no body is an ordinary one', async () => {
  const client = await stage.connect('api.openai.com', { connectHeaders: 'Content-Length: 0\r\n' })
  client.send('GET /none HTTP/1.1\r\nHost: api.openai.com\r\n\r\n')
  assert.equal((await client.answer()).body, 'GET /none api.openai.com')
  client.close()
})

test('both spellings of a name are one host, with one leaf', async () => {
  for (const target of [`${idn}:443`, `${idn.toUpperCase()}.:443`]) {
    const client = await stage.connect(target, { servername: idn })
    assert.equal(client.tls.getPeerCertificate().subjectaltname, `DNS:${idn}`)
    client.send(`GET /idn HTTP/1.1\r\nHost: ${idn}\r\n\r\n`)
    assert.equal((await client.answer()).body, `GET /idn ${idn}`)
    client.close()
  }
  const rows = await stage.sallyport.rowsWhen(
    'exchanges',
    (some) => some.filter((one) => one['path'] === '/idn').length === 2,
  )
  for (const row of rows.filter((one) => one['path'] === '/idn')) assert.equal(row['host'], idn)
})

test('an IPv6 address gets a leaf with an address in it, however it is spelled', async () => {
  for (const target of ['[2001:db8::7]:443', '[2001:0DB8:0:0:0:0:0:7]:443']) {
    const client = await stage.connect(target)
    assert.match(client.tls.getPeerCertificate().subjectaltname ?? '', /^IP Address:2001:DB8:0:0:0:0:0:7$/)
    client.send('GET /six HTTP/1.1\r\nHost: [2001:db8::7]\r\n\r\n')
    assert.equal((await client.answer()).body, 'GET /six [2001:db8::7]')
    client.close()
  }
})

const absolutes: [target: string, status: number, code: string][] = [
  ...[
    'http://me:pw@api.openai.com/x',
    'http://@api.openai.com/x',
    'http://api.openai.com:0/x',
    'http://api.openai.com:65536/x',
    'http://api.openai.com:99999999/x',
    'http:///x',
    'http:/x',
    'http://127.1/x',
    'http://0x7f.1/x',
    'http://2130706433/x',
    'http://[fe80::1%25eth0]/x',
    'http://..%2f/x',
    'ftp://api.openai.com/x',
    'api.openai.com:80',
    '*',
  ].map((target): [string, number, string] => [target, 400, 'malformed_request']),
  ['http://[::ffff:127.0.0.1]/x', 403, 'address_not_allowed'],
  ['http://localhost./x', 403, 'address_not_allowed'],
  ['http://127.0.0.1/x', 403, 'address_not_allowed'],
]

for (const [target, status, code] of absolutes) {
  test(`GET ${target} at the plain port is ${status} ${code}`, async () => {
    const [before, seen] = [stage.sallyport.rows('exchanges').length, plain.seen.length]
    const client = await stage.raw()
    client.send(`GET ${target} HTTP/1.1\r\nHost: api.openai.com\r\n\r\n`)
    const answer = await client.answer()
    assert.deepEqual([answer.status, answer.header('sallyport-error')], [status, code])
    client.close()
    const rows = await stage.sallyport.rowsWhen('exchanges', (some) =>
      some.slice(before).some((one) => one['status'] === status),
    )
    const own = rows.slice(before).filter((one) => one['status'] !== 200)
    assert.deepEqual(
      own.map((one) => one['error']),
      [code],
    )
    assert.equal(plain.seen.length, seen)
  })
}

const inner: [request: string, status: number, answered: string][] = [
  ['GET https://api.openai.com/a HTTP/1.1\r\nHost: api.openai.com', 200, 'GET /a api.openai.com'],
  ['GET HTTPS://API.openai.com.:443/b HTTP/1.1\r\nHost: api.openai.com:443', 200, 'GET /b api.openai.com:443'],
  ['GET https://api.openai.com:8443/c HTTP/1.1\r\nHost: api.openai.com', 421, ''],
  ['GET http://api.openai.com/c HTTP/1.1\r\nHost: api.openai.com', 421, ''],
  ['GET https://b.example/c HTTP/1.1\r\nHost: api.openai.com', 421, ''],
  ['GET https://api.openai.com/c HTTP/1.1\r\nHost: b.example', 421, ''],
  ['GET https://me@api.openai.com/c HTTP/1.1\r\nHost: api.openai.com', 400, ''],
  ['GET api.openai.com:443 HTTP/1.1\r\nHost: api.openai.com', 400, ''],
  ['GET * HTTP/1.1\r\nHost: api.openai.com', 400, ''],
  ['OPTIONS * HTTP/1.1\r\nHost: api.openai.com', 200, 'OPTIONS * api.openai.com'],
  ['GET /d HTTP/1.1\r\nHost: api.openai.com.', 200, 'GET /d api.openai.com.'],
  ['GET /e HTTP/1.1\r\nHost: api.openai.com:80', 421, ''],
  ['PROPFIND /f HTTP/1.1\r\nHost: api.openai.com', 200, 'PROPFIND /f api.openai.com'],
]

for (const [request, status, answered] of inner) {
  test(`inside a CONNECT, ${JSON.stringify(request)} is ${status}`, async () => {
    const seen = stage.origin.seen.length
    const client = await stage.connect('api.openai.com')
    client.send(`${request}\r\n\r\n`)
    const answer = await client.answer()
    assert.equal(answer.status, status)
    if (status === 200) assert.equal(answer.body, answered)
    else assert.equal(stage.origin.seen.length, seen)
    client.close()
  })
}

test('a Host without a port means the port of the CONNECT', async () => {
  const client = await stage.raw()
  client.send('CONNECT api.openai.com:8443 HTTP/1.1\r\nHost: api.openai.com:8443\r\n\r\n')
  await client.until('\r\n\r\n')
  client.send('GET /port HTTP/1.1\r\nHost: api.openai.com\r\n\r\n')
  assert.equal((await client.answer()).body, 'plain api.openai.com')
  client.close()
})

test('at the plain port the target wins over Host, which is written anew', async () => {
  const client = await stage.raw()
  for (const target of ['http://api.openai.com/x', 'http://API.openai.com.:80/x']) {
    client.send(`GET ${target} HTTP/1.1\r\nHost: b.example\r\n\r\n`)
    assert.equal((await client.answer()).body, 'plain api.openai.com')
  }
  client.close()
})

test('the proxy itself is a loop by any name', async () => {
  const { proxyPort, consolePort } = stage.sallyport
  for (const port of [proxyPort, consolePort])
    for (const name of ['127.0.0.1', 'localhost', 'LOCALHOST.', '[::ffff:127.0.0.1]', '127.0.0.1.']) {
      const client = await stage.raw()
      client.send(`CONNECT ${name}:${port} HTTP/1.1\r\nHost: x\r\n\r\n`)
      assert.deepEqual([name, (await client.answer()).status], [name, 508])
      const other = await stage.raw()
      other.send(`GET http://${name}:${port}/ HTTP/1.1\r\nHost: x\r\n\r\n`)
      assert.deepEqual([name, (await other.answer()).status], [name, 508])
      other.close()
    }
})

test('no name that came in made a file', () => {
  const names = readdirSync(stage.sallyport.dir, { recursive: true }).map(String)
  assert.deepEqual(
    names.filter((name) => /openai|example|etc|\.\./.test(name)),
    [],
  )
})
