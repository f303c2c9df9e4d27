import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, writeFileSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { promisify } from 'node:util'
import { testAuthority } from '../support/authority.ts'
import { startOrigin, type Origin } from '../support/origin.ts'
import { startStage, type Stage } from '../support/stage.ts'
import { tempFolder } from '../support/temp.ts'
import { tlsClient, tlsWithin, type TlsClient } from '../support/tls-client.ts'

const host = 'api.openai.com'
const name = 'gate.example'
const doors = testAuthority('Doors')
const dir = tempFolder('proxy-tls')
const files = { cert: join(dir, 'cert.pem'), key: join(dir, 'key.pem') }
const identity = doors.issue([name, '127.0.0.1', 'localhost'])
writeFileSync(files.cert, identity.cert)
writeFileSync(files.key, identity.key, { mode: 0o600 })

let stage: Stage
let plain: Origin
let server: Server
let onSocket: (socket: Socket) => void = () => {}

before(async () => {
  server = createServer({ allowHalfOpen: true }, (socket) => onSocket(socket.on('error', () => {})))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const raw = { address: `127.0.0.1:${(server.address() as AddressInfo).port}` }
  plain = await startOrigin((seen, response) => void response.end(`plain ${seen.url}`))
  stage = await startStage((seen, response) => void response.end(`secret ${seen.url} ${seen.text()}`), {
    hosts: [host],
    origins: { [`${host}:80`]: plain, 'tunnel.test:99': raw },
    policies: {
      'a.yaml': {
        intercept: [
          { hosts: ['tunnel.test'], action: 'tunnel' },
          { hosts: [host], action: 'inspect' },
          { hosts: ['denied.test'], action: 'deny' },
        ],
      },
    },
    config: { proxy: { tls: files, allowClients: ['127.0.0.0/24'] } },
  })
})

after(async () => {
  await stage[Symbol.asyncDispose]()
  await plain.close()
  server.close()
})

const open = (options: Parameters<typeof tlsClient>[1] = {}): Promise<TlsClient> =>
  tlsClient(stage.sallyport.proxyPort, { ca: doors.cert, servername: name, ALPNProtocols: ['http/1.1'], ...options })

async function tunnel(client?: TlsClient): Promise<TlsClient> {
  const opened = client ?? (await open())
  opened.send('CONNECT tunnel.test:99 HTTP/1.1\r\nHost: tunnel.test:99\r\n\r\n')
  assert.match(await opened.until('\r\n\r\n'), /^HTTP\/1\.1 200 /)
  return opened
}

const page = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: ${name}\r\n\r\n`

test('one port serves both: over TLS the pages say so', async () => {
  const bare = await stage.raw()
  bare.send(page('/proxy.pac'))
  assert.match((await bare.answer()).body, new RegExp(`"PROXY 127\\.0\\.0\\.1:${stage.sallyport.proxyPort}"`))
  const client = await open()
  assert.equal(client.tls.alpnProtocol, 'http/1.1')
  client.send(page('/proxy.pac'))
  assert.match((await client.answer()).body, new RegExp(`"HTTPS gate\\.example:${stage.sallyport.proxyPort}"`))
  client.send(page('/ca.pem'))
  assert.equal((await client.answer()).body, stage.sallyport.ca())
  for (const one of [bare, client]) one.close()
})

test('without ALPN, without a name and on TLS 1.2 it is HTTP/1.1', async () => {
  const client = await open({ ALPNProtocols: undefined, servername: '', host: '127.0.0.1', maxVersion: 'TLSv1.2' })
  assert.equal(client.tls.alpnProtocol, false)
  client.send(page('/proxy.pac'))
  assert.match((await client.answer()).body, /"HTTPS 127\.0\.0\.1:\d+"/)
  client.close()
})

const refused: [what: string, options: Parameters<typeof tlsClient>[1], sees: RegExp, reason: RegExp][] = [
  ['h2 alone', { ALPNProtocols: ['h2'], from: '127.0.0.11' }, /no application protocol/i, /no-protocol$/],
  [
    'TLS 1.1',
    { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0', from: '127.0.0.12' },
    /protocol version/i,
    /version$/,
  ],
]

for (const [what, options, sees, reason] of refused) {
  test(`a client that speaks ${what} gets the alert that says so, and a row`, async () => {
    await assert.rejects(open(options), sees)
    const row = await stage.row('connections', (one) => one['client_ip'] === options.from)
    assert.equal(row['handling'], 'failed')
    assert.match(String(row['reason']), reason)
  })
}

test('an address that may not use the proxy gets an alert over TLS and 403 without, and rows', async () => {
  await assert.rejects(open({ from: '127.0.1.7' }), /access denied/i)
  await stage.row('connections', (one) => one['client_ip'] === '127.0.1.7' && one['error'] === 'client_not_allowed')
})

test('HTTP/1.1 in TLS in TLS is inspected, and its rows name the client', async () => {
  const outer = await open({ from: '127.0.0.21' })
  const client = await tlsWithin(outer, `${host}:443`, { ca: stage.sallyport.ca() })
  for (const path of ['/v1/in-tls-1', '/v1/in-tls-2']) {
    client.send(`POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 2\r\n\r\n{}`)
    assert.equal((await client.answer()).body, `secret ${path} {}`)
    const row = await stage.exchange(path)
    assert.deepEqual([row['client_ip'], row['status'], row['host']], ['127.0.0.21', 200, host])
  }
  client.close()
  const row = await stage.row('connections', (one) => one['client_ip'] === '127.0.0.21')
  assert.deepEqual([row['handling'], row['sni'], row['error']], ['inspect', host, null])
  assert.ok(Number(row['bytes_up']) > 400 && Number(row['bytes_down']) > 400, JSON.stringify(row))
})

test('HTTP/2 in TLS in TLS is inspected, many streams at once', async () => {
  const inner = await tlsWithin(await open(), `${host}:443`, { ca: stage.sallyport.ca(), ALPNProtocols: ['h2'] })
  for (const event of ['data', 'end', 'close', 'error']) inner.tls.removeAllListeners(event)
  const session = connectHttp2(`https://${host}`, { createConnection: () => inner.tls })
  const body = 'x'.repeat(200_000)
  const texts = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const stream = session.request({ ':path': `/v1/h2-in-tls-${i}`, ':method': 'POST' }).end(body)
      let text = ''
      for await (const chunk of stream.setEncoding('utf8')) text += chunk
      return text
    }),
  )
  texts.forEach((text, i) => assert.equal(text, `secret /v1/h2-in-tls-${i} ${body}`))
  session.destroy()
})

test('a ClientHello in the same record as the CONNECT is used', async () => {
  const outer = await open()
  for (const event of ['data', 'end', 'close', 'error']) outer.tls.removeAllListeners(event)
  let head = `CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\n\r\n`
  let answered = ''
  const under = new Duplex({
    read: () => void outer.tls.resume(),
    // The CONNECT waits for the first flight of the inner TLS, and goes out with it.
    write: (chunk: Buffer, _encoding, done) => {
      outer.tls.write(Buffer.concat([Buffer.from(head), chunk]), () => done())
      head = ''
    },
  })
  outer.tls.on('data', (chunk: Buffer) => {
    if (answered.endsWith('\r\n\r\n')) return void under.push(chunk)
    const end = (answered + chunk.toString('latin1')).indexOf('\r\n\r\n') + 4 - answered.length
    answered += chunk.toString('latin1', 0, end)
    under.push(chunk.subarray(end))
  })
  const inner = connectTls({ socket: under, servername: host, ca: stage.sallyport.ca() })
  await once(inner, 'secureConnect')
  assert.match(answered, /^HTTP\/1\.1 200 /)
  inner.destroy()
  outer.tls.destroy()
})

test('an absolute target over TLS is sent on, recorded, and never with what was meant for the proxy', async () => {
  const client = await open({ from: '127.0.0.31' })
  client.send(`GET http://${host}/absolute HTTP/1.1\r\nHost: ${host}\r\nProxy-Connection: keep-alive\r\n\r\n`)
  assert.equal((await client.answer()).body, 'plain /absolute')
  assert.equal(plain.seen.at(-1)?.header('proxy-connection'), undefined)
  assert.equal((await stage.exchange('/absolute'))['client_ip'], '127.0.0.31')
  client.send('GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n')
  const answer = await client.answer()
  assert.deepEqual([answer.status, answer.header('sallyport-error')], [400, 'malformed_request'])
  await client.rest()
})

test('a refused CONNECT over TLS is answered in full before the connection ends', async () => {
  const client = await open()
  client.send('CONNECT denied.test:443 HTTP/1.1\r\nHost: denied.test:443\r\n\r\n')
  const answer = await client.answer()
  assert.deepEqual([answer.status, answer.header('sallyport-error')], [403, 'policy_denied'])
  assert.equal(await client.rest(), '')
})

test('through a tunnel in TLS a client that has said all it wants still gets the answer, and bytes are counted as without', async () => {
  onSocket = (socket) => {
    let heard = ''
    socket.on('data', (chunk: Buffer) => (heard += chunk.toString()))
    socket.on('end', () => socket.end(`you said ${heard}`))
  }
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const client = await tunnel(await open({ from: '127.0.0.41', maxVersion }))
    client.tls.allowHalfOpen = true
    client.send(`\x01hello ${maxVersion}`)
    client.end()
    assert.equal(await client.rest(), `you said \x01hello ${maxVersion}`)
  }
  const rows = await stage.sallyport.rowsWhen(
    'connections',
    (some) => some.filter((one) => one['client_ip'] === '127.0.0.41').length === 2,
  )
  for (const row of rows.filter((one) => one['client_ip'] === '127.0.0.41')) {
    assert.deepEqual([row['handling'], row['bytes_up'], row['bytes_down'], row['error']], ['tunnel', 14, 23, null])
  }
})

test('through a tunnel in TLS a server that has said all it wants still hears the client', async () => {
  const heard = new Promise<string>((resolve) => {
    onSocket = (socket) => {
      let text = ''
      socket.on('data', (chunk: Buffer) => (text += chunk.toString())).on('end', () => resolve(text))
      socket.end('bye')
    }
  })
  const client = await tunnel()
  client.tls.allowHalfOpen = true
  assert.equal(await client.until(3), 'bye')
  client.send('\x01still here')
  client.end()
  assert.equal(await heard, '\x01still here')
})

test('a reset by the server reaches the client as one, not as a clean end', async () => {
  onSocket = (socket) => {
    socket.write('hi')
    socket.once('data', () => socket.resetAndDestroy())
  }
  const client = await tunnel()
  const failed = once(client.tls, 'error')
  assert.equal(await client.until(2), 'hi')
  client.send('\x01go')
  const [error] = (await failed) as [NodeJS.ErrnoException]
  assert.equal(error.code, 'ECONNRESET')
})

test('a client that resets its connection ends the server’s side', async () => {
  const ended = new Promise<void>((resolve) => {
    onSocket = (socket) => {
      socket.on('close', () => resolve()).resume()
      socket.write('hi')
    }
  })
  const client = await tunnel()
  assert.equal(await client.until(2), 'hi')
  client.reset()
  await ended
})

test('a client that reads slowly slows the server, and loses nothing', async () => {
  const size = 64 * 1024 * 1024
  let written = 0
  const blocked = new Promise<void>((resolve) => {
    onSocket = (socket) => {
      const chunk = Buffer.alloc(65_536, 7)
      const more = (): void => {
        while (written < size) {
          written += chunk.length
          if (!socket.write(chunk)) {
            const idle = setTimeout(resolve, 300)
            return void socket.once('drain', () => {
              clearTimeout(idle)
              more()
            })
          }
        }
        socket.end()
      }
      socket.once('data', more)
    }
  })
  const outer = await open()
  const client = await tunnel(outer)
  for (const event of ['data', 'end', 'close', 'error']) client.tls.removeAllListeners(event)
  client.tls.pause()
  client.tls.write('\x01')
  await blocked
  assert.ok(written < size, `${written} bytes were taken from the server`)
  let read = 0
  for await (const chunk of client.tls) read += (chunk as Buffer).length
  assert.equal(read, size)
})

test('a leaf that is refused inside TLS is recorded as that', async () => {
  const stranger = testAuthority('A stranger')
  const outer = await open({ from: '127.0.0.51' })
  await assert.rejects(tlsWithin(outer, `${host}:443`, { ca: stranger.cert }))
  outer.close()
  const row = await stage.row('connections', (one) => one['client_ip'] === '127.0.0.51')
  // Node's client closes without an alert; that it failed is all that can be told.
  assert.match(String(row['handling']), /failed|rejected-leaf|inspect/)
  assert.equal(row['host'], host)
})

test('curl speaks TLS to the proxy', { skip: noCurl() }, async () => {
  const caFile = join(dir, 'doors.pem')
  const rootFile = join(dir, 'root.pem')
  writeFileSync(caFile, doors.cert)
  writeFileSync(rootFile, stage.sallyport.ca())
  const curl = (url: string, ...more: string[]) =>
    run('curl', [
      '-sS',
      '--max-time',
      '20',
      '--proxy',
      `https://localhost:${stage.sallyport.proxyPort}`,
      '--proxy-cacert',
      caFile,
      '--cacert',
      rootFile,
      ...more,
      url,
    ])
  assert.equal((await curl(`https://${host}/v1/curl`)).stdout, 'secret /v1/curl ')
  assert.equal((await curl(`https://${host}/v1/curl-1`, '--http1.1')).stdout, 'secret /v1/curl-1 ')
  assert.equal((await curl(`http://${host}/curl-plain`)).stdout, 'plain /curl-plain')
  const wrong = await curl(`https://${host}/`, '--proxy-cacert', rootFile).catch((error: { stderr: string }) => error)
  assert.match(wrong.stderr, /certificate/i)
})

test('a reload takes new certificate files; broken ones leave the old in force, and the log says so', async () => {
  const serial = async (): Promise<string | undefined> => {
    const client = await open()
    const found = client.tls.getPeerX509Certificate()?.serialNumber
    client.close()
    return found
  }
  const kept = await open()
  const first = await serial()
  const next = doors.issue([name, '127.0.0.1', 'localhost'])
  writeFileSync(files.cert, next.cert)
  writeFileSync(files.key, next.key)
  chmodSync(files.key, 0o644)
  stage.sallyport.child.kill('SIGHUP')
  await logged(/can be read by others \(mode 0644\)/)
  const second = await serial()
  assert.notEqual(second, first)
  writeFileSync(files.key, 'no key')
  stage.sallyport.child.kill('SIGHUP')
  await logged(/TLS of the proxy not reloaded/)
  assert.match(stage.sallyport.log(), /proxy\.tls\.key: \S+ is not a private key in PEM/)
  assert.equal(await serial(), second)
  kept.send(page('/ca.pem'))
  assert.equal((await kept.answer()).status, 200)
  kept.close()
})

test('at the end idle clients are let go, and what is in flight on TLS is finished', async () => {
  let respond = (): void => {}
  stage.origin.answer((_seen, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: begun\n\n')
    respond = () => void response.end('data: ended\n\n')
  })
  const idle = await open()
  const silent = await stage.raw()
  const busy = await tlsWithin(await open(), `${host}:443`, { ca: stage.sallyport.ca() })
  busy.send(`GET /v1/slow HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  await busy.until('data: begun')
  const exited = once(stage.sallyport.child, 'exit')
  stage.sallyport.child.kill('SIGTERM')
  assert.deepEqual([await idle.rest(), await silent.rest()], ['', ''])
  respond()
  assert.match(await busy.rest(), /ended/)
  assert.deepEqual(await exited, [0, null])
})

async function logged(what: RegExp): Promise<void> {
  for (let waited = 0; !what.test(stage.sallyport.log()); waited += 20) {
    if (waited > 60_000) throw new Error(`never logged ${what}: ${stage.sallyport.log()}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function run(command: string, args: readonly string[]) {
  return promisify(execFile)(command, args)
}

function noCurl(): string | false {
  try {
    const features = execFileSync('curl', ['--version'], { encoding: 'utf8', stdio: 'pipe' })
    return features.includes('HTTPS-proxy') ? false : 'a curl that speaks no TLS to proxies'
  } catch {
    return 'no curl on this machine'
  }
}
