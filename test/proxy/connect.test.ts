import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { after, before, test } from 'node:test'
import { rawClient } from '../support/raw-client.ts'
import { startStage, type Row, type Stage } from '../support/stage.ts'

const hosts = ['api.openai.com', 'quiet.test', 'denied.test', 'tunnel.test', 'limited.test', 'inspected.test']

let stage: Stage

before(async () => {
  stage = await startStage((seen, response) => void response.end(`${seen.method} ${seen.url}`), {
    hosts,
    policies: {
      '10-test.yaml': {
        intercept: [
          { hosts: ['denied.test'], action: 'deny', reason: 'not for us' },
          { hosts: ['tunnel.test', 'unread.test'], action: 'tunnel' },
          {
            hosts: ['catalogue', '*.test', '127.0.0.1', '169.254.169.254', '10.1.2.3', '::1'],
            action: 'inspect',
          },
        ],
        rules: [
          {
            name: 'not from here',
            on: 'connection',
            hook: 'ip-access',
            options: { deny: ['127.0.0.0/8'] },
            when: { host: 'refused.test' },
          },
          {
            name: 'wherever it can',
            hook: 'ip-access',
            options: { deny: ['127.0.0.0/8'] },
            when: { host: ['unread.test', 'inspected.test'] },
          },
          {
            name: 'one a minute',
            on: 'connection',
            hook: 'rate-limit',
            options: { max: 1, by: ['client', 'host'] },
            when: { host: 'limited.test' },
          },
        ],
      },
    },
  })
})

after(async () => stage[Symbol.asyncDispose]())

const refusals: [what: string, target: string, status: number, code: string, handling: string][] = [
  ['no port', 'api.openai.com', 400, 'malformed_request', 'failed'],
  ['port 0', 'api.openai.com:0', 400, 'malformed_request', 'failed'],
  ['port 65536', 'api.openai.com:65536', 400, 'malformed_request', 'failed'],
  ['a path', '../../x:443', 400, 'malformed_request', 'failed'],
  ['user information', 'me@api.openai.com:443', 400, 'malformed_request', 'failed'],
  ['a number for an address', '2130706433:443', 400, 'malformed_request', 'failed'],
  ['a hexadecimal address', '0x7f.1:443', 400, 'malformed_request', 'failed'],
  ['a URL', 'https://api.openai.com:443/', 400, 'malformed_request', 'failed'],
  ['an address in brackets that is none', '[::zz]:443', 400, 'malformed_request', 'failed'],
  ['a denied host', 'denied.test:443', 403, 'policy_denied', 'deny'],
  ['a loopback address', '127.0.0.1:9', 403, 'address_not_allowed', 'deny'],
  ['a private address', '10.1.2.3:443', 403, 'address_not_allowed', 'deny'],
  ['the metadata address', '169.254.169.254:80', 403, 'address_not_allowed', 'deny'],
  ['an IPv6 loopback', '[::1]:443', 403, 'address_not_allowed', 'deny'],
  ['an IPv4-mapped address', '[::ffff:127.0.0.1]:443', 403, 'address_not_allowed', 'deny'],
  ['a name that does not exist', 'nowhere.invalid:443', 502, 'name_not_resolved', 'failed'],
]

for (const [what, target, status, code, handling] of refusals) {
  test(`a CONNECT to ${what} is refused with ${status} ${code} and recorded`, async () => {
    const before = stage.sallyport.rows('connections').length
    const client = await stage.raw()
    client.send(`CONNECT ${target} HTTP/1.1\r\nHost: ${target.replaceAll(/.*[@/]/g, '') || 'x'}\r\n\r\n`)
    const answer = await client.answer()
    assert.deepEqual([answer.status, answer.header('sallyport-error')], [status, code])
    assert.match(answer.body, /^[^\n]+\n$/)
    await client.rest()
    const rows = await stage.sallyport.rowsWhen('connections', (some) => some.length > before)
    assert.equal(rows.length, before + 1)
    const row = rows.at(-1) as Row
    assert.deepEqual([row['handling'], row['error']], [handling, code])
  })
}

for (const name of ['127.0.0.1', 'localhost']) {
  test(`a CONNECT to the proxy itself, as ${name}, is a loop`, async () => {
    for (const port of [stage.sallyport.proxyPort, stage.sallyport.consolePort]) {
      const client = await stage.raw()
      client.send(`CONNECT ${name}:${port} HTTP/1.1\r\nHost: ${name}:${port}\r\n\r\n`)
      const answer = await client.answer()
      assert.deepEqual([answer.status, answer.header('sallyport-error')], [508, 'loop_detected'])
    }
  })
}

for (const [what, host] of [
  ['an inspected', 'api.openai.com'],
  ['a tunnelled', 'tunnel.test'],
] as const) {
  test(`another name in SNI closes the handshake of ${what} connection with unrecognized_name`, async () => {
    const client = await stage.raw()
    client.send(`CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    await client.until('\r\n\r\n')
    client.socket.removeAllListeners()
    const tls = connectTls({ socket: client.socket, servername: 'loose.test', rejectUnauthorized: false })
    const [error] = (await once(tls, 'error')) as [NodeJS.ErrnoException]
    assert.match(String(error.code), /UNRECOGNIZED_NAME/)
    const row = await stage.row('connections', (one) => one['sni'] === 'loose.test' && one['host'] === host)
    assert.deepEqual([row['handling'], row['reason']], ['deny', 'mismatch'])
  })
}

const cuts: [what: string, pieces: (hello: Buffer) => Buffer[]][] = [
  ['in writes of one byte', (hello) => [...hello].map((byte) => Buffer.from([byte]))],
  ['over two records', (hello) => [splitRecord(hello, 40)]],
  [
    'over two records, cut in the second header',
    (hello) => [splitRecord(hello, 40).subarray(0, 47), splitRecord(hello, 40).subarray(47)],
  ],
  ['together with the CONNECT', (hello) => [hello]],
]

for (const [what, pieces] of cuts) {
  test(`a hello that comes ${what} is understood`, async () => {
    const client = await rawClient(stage.sallyport.proxyPort)
    client.socket.removeAllListeners('data')
    const early = what.startsWith('together')
    const connect = 'CONNECT quiet.test:443 HTTP/1.1\r\nHost: quiet.test\r\n\r\n'
    if (!early) {
      client.send(connect)
      await once(client.socket, 'data')
    }
    const tls = await handshake(client.socket, early, async (hello) => {
      if (early) return void client.socket.write(Buffer.concat([Buffer.from(connect), hello]))
      for (const piece of pieces(hello)) {
        client.socket.write(piece)
        await new Promise(setImmediate)
      }
    })
    assert.equal(tls, 'DNS:quiet.test')
    client.close()
  })
}

/** Does a TLS handshake whose first flight is sent by `sendHello`; the names of the leaf. */
async function handshake(
  socket: Socket,
  skipHead: boolean,
  sendHello: (hello: Buffer) => Promise<void>,
): Promise<string | undefined> {
  let first = true
  let head = skipHead
  const carrier = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      if (!first) return void socket.write(chunk, () => done())
      first = false
      sendHello(chunk).then(() => done(), done)
    },
  })
  socket.on('data', (chunk: Buffer) => {
    const end = head ? chunk.indexOf('\r\n\r\n') + 4 : 0
    head = false
    if (chunk.length > end) carrier.push(chunk.subarray(end))
  })
  const tls = connectTls({ socket: carrier, servername: 'quiet.test', ca: stage.sallyport.ca() })
  await once(tls, 'secureConnect')
  const names = tls.getPeerCertificate().subjectaltname
  tls.destroy()
  return names
}

/** One handshake record as two, the first with `at` bytes of its payload. */
function splitRecord(record: Buffer, at: number): Buffer {
  const payload = record.subarray(5)
  const header = (length: number) => Buffer.from([record[0] as number, 3, 1, length >> 8, length & 0xff])
  return Buffer.concat([header(at), payload.subarray(0, at), header(payload.length - at), payload.subarray(at)])
}

async function connecting(host: string) {
  const client = await stage.raw()
  client.send(`CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\n\r\n`)
  return client
}

const byRule: [host: string, rule: string][] = [
  ['refused.test', 'not from here'],
  ['unread.test', 'wherever it can'],
]

for (const [host, rule] of byRule) {
  test(`a rule for connections refuses a CONNECT to ${host}, and the record names it`, async () => {
    const answer = await (await connecting(host)).answer()
    assert.deepEqual([answer.status, answer.header('sallyport-error')], [403, 'policy_denied'])
    assert.equal(answer.body, `refused by the policy rule "${rule}"\n`)
    const row = await stage.row('connections', (some) => some['host'] === host)
    assert.deepEqual([row['handling'], row['error']], ['deny', 'policy_denied'])
    assert.equal(row['reason'], `refused by the policy rule "${rule}"`)
  })
}

test('a rule that does not say where it looks leaves the CONNECT to an inspected host to the requests', async () => {
  assert.equal((await (await connecting('inspected.test')).answer()).status, 200)
})

test('one connection too many is refused with the time to wait', async () => {
  assert.equal((await (await connecting('limited.test')).answer()).status, 200)
  const answer = await (await connecting('limited.test')).answer()
  assert.deepEqual([answer.status, answer.header('sallyport-error')], [429, 'rate_limited'])
  assert.match(answer.header('retry-after') ?? '', /^(?:[1-5]?\d|6[01])$/)
  const row = await stage.row('connections', (some) => some['error'] === 'rate_limited')
  assert.deepEqual([row['host'], row['handling']], ['limited.test', 'deny'])
})

test('a rule for connections refuses a plain request with an absolute target, too', async () => {
  const client = await stage.raw()
  client.send('GET http://refused.test/plain HTTP/1.1\r\nHost: refused.test\r\n\r\n')
  const answer = await client.answer()
  assert.deepEqual([answer.status, answer.header('sallyport-error')], [403, 'policy_denied'])
  assert.equal((await stage.exchange('/plain'))['error'], 'policy_denied')
})
