import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { startSallyport, type Sallyport } from '../support/sallyport.ts'
import { rawClient } from '../support/raw-client.ts'
import { tempFolder } from '../support/temp.ts'

const many = Array.from({ length: 1_500 }, (_, i) => `host${i}.example.test`)
let sallyport: Sallyport

before(async () => {
  sallyport = await startSallyport({
    config: { proxy: { allowClients: ['127.0.0.1/32'] }, limits: { connections: 5 } },
    policies: { 'a.yaml': { intercept: [{ hosts: ['catalogue', '*.wild.test', ...many], action: 'inspect' }] } },
  })
})

after(() => sallyport[Symbol.asyncDispose]())

const get = async (path: string, method = 'GET') => {
  const client = await rawClient(sallyport.proxyPort)
  client.send(`${method} ${path} HTTP/1.1\r\nHost: proxy\r\n\r\n`)
  const answer = await client.answer({ bodiless: method === 'HEAD' })
  client.close()
  return answer
}

test('the proxy tells about itself, with its authority as PEM and DER', async () => {
  const page = await get('/')
  assert.deepEqual([page.status, page.header('content-type')], [200, 'text/html; charset=utf-8'])
  assert.ok(page.body.includes(`127.0.0.1:${sallyport.proxyPort}`))
  const pem = await get('/ca.pem')
  assert.equal(pem.body, sallyport.ca())
  const der = await get('/ca.der')
  assert.equal(
    new X509Certificate(Buffer.from(der.body, 'latin1')).fingerprint256,
    new X509Certificate(pem.body).fingerprint256,
  )
  assert.match(der.header('content-type') ?? '', /x509-ca-cert/)
})

test('the revocation list is one that OpenSSL takes', { skip: !hasOpenssl() }, async () => {
  const folder = tempFolder('crl')
  const [crl, ca] = [join(folder, 'ca.crl'), join(folder, 'ca.pem')]
  writeFileSync(crl, Buffer.from((await get('/ca.crl')).body, 'latin1'))
  writeFileSync(ca, sallyport.ca())
  const said = execFileSync('openssl', ['crl', '-inform', 'DER', '-in', crl, '-CAfile', ca, '-noout', '-text'], {
    stdio: 'pipe',
  }).toString()
  assert.match(said, /No Revoked Certificates/)
})

test('the PAC file is JavaScript that sends inspected hosts here, however many there are', async () => {
  const { body } = await get('/proxy.pac')
  const proxy = `PROXY 127.0.0.1:${sallyport.proxyPort}`
  const hosts: [host: string, way: string][] = [
    ['api.openai.com', proxy],
    ['API.OpenAI.com', proxy],
    ['a.wild.test', proxy],
    ['wild.test', 'DIRECT'],
    ['host1499.example.test', proxy],
    ['host1500.example.test', 'DIRECT'],
    ['www.example.org', 'DIRECT'],
  ]
  const shExpMatch = (text: string, glob: string) =>
    new RegExp(`^${glob.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.')}$`).test(text)
  for (const [host, way] of hosts)
    assert.equal(runInNewContext(`${body}\nFindProxyForURL('https://${host}/', '${host}')`, { shExpMatch }), way, host)
})

test('there is nothing else on the proxy, and nothing to change', async () => {
  assert.equal((await get('/nothing')).status, 404)
  assert.equal((await get('/__proto__')).status, 404)
  const post = await get('/', 'POST')
  assert.deepEqual([post.status, post.header('allow')], [405, 'GET, HEAD'])
  assert.equal((await get('/ca.pem', 'HEAD')).header('content-length'), String(sallyport.ca().length))
})

test('a client that is not allowed is turned away and recorded', async () => {
  const client = await rawClient(sallyport.proxyPort, '127.0.0.1', '127.0.0.9')
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const answer = await client.answer()
  assert.deepEqual([answer.status, answer.header('sallyport-error')], [403, 'client_not_allowed'])
  const rows = await sallyport.rowsWhen('connections', (some) => some.some((row) => row['client_ip'] === '127.0.0.9'))
  assert.equal(rows.find((row) => row['client_ip'] === '127.0.0.9')?.['handling'], 'deny')
})

test('connections over the limit are turned away until there is room again', async () => {
  const held = await Promise.all(Array.from({ length: 5 }, () => rawClient(sallyport.proxyPort)))
  for (const client of held) {
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.equal((await client.answer()).status, 200)
  }
  const refused = await get('/')
  assert.deepEqual([refused.status, refused.header('sallyport-error')], [503, 'too_many_connections'])
  for (const client of held) client.close()
  for (;;) if ((await get('/')).status === 200) break
})

test('a connection that says nothing, or nothing sensible, leaves a row', async () => {
  const silent = await rawClient(sallyport.proxyPort)
  silent.end()
  await silent.rest()
  const nonsense = await rawClient(sallyport.proxyPort)
  nonsense.send('\x16\x03\x01 nonsense\r\n\r\n')
  assert.equal((await nonsense.answer()).status, 400)
  await nonsense.rest()
  const reasons = (rows: Record<string, unknown>[]) =>
    rows.map((row) => `${String(row['reason'])} ${String(row['error'])}`).join('\n')
  await sallyport.rowsWhen(
    'connections',
    (rows) => /closed before a request null/.test(reasons(rows)) && /malformed_request/.test(reasons(rows)),
  )
})

test('metrics count what happened at the door', async () => {
  const { body } = await sallyport.get('/metrics')
  assert.match(body, /^sallyport_connections_total\{[^}]*handling="deny"[^}]*\} [1-9]/m)
  assert.match(body, /^sallyport_connections_active\{door="proxy"\} \d/m)
  assert.match(body, /^sallyport_refused_requests_total\{code="malformed_request"\} [1-9]/m)
})

function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'pipe' })
    return true
  } catch {
    return false
  }
}
