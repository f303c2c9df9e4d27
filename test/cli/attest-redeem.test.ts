import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { enrolmentDesk } from '../../src/app/enrolment.ts'
import { configSchema } from '../../src/config/schema.ts'
import { consoleDoor } from '../../src/console/server.ts'
import { attestIn, keyIn } from '../support/attest.ts'
import { commandLine } from '../support/command-line.ts'
import { tempFolder } from '../support/temp.ts'

const closing: (() => void)[] = []
after(() => {
  for (const close of closing) close()
})

/** An operator's folder with its console; `code` makes a code for laptop-7. */
async function operator(audience: string | null = 'egress-1') {
  const cwd = tempFolder('operator')
  const config = configSchema.parse({ data: { dir: join(cwd, 'data') }, attestation: { audience } })
  const door = consoleDoor({
    health: () => ({ ready: true, reasons: [], warnings: [], facts: {} }),
    metrics: async () => ({ contentType: 'text/plain', body: '' }),
    token: () => 'token',
    local: false,
    enroll: enrolmentDesk(() => config),
  })
  const attest = attestIn(cwd)
  const code = async (...args: string[]): Promise<string> => {
    const { stdout } = await attest(
      ...(args.length > 0 ? args : ['enroll', '--device', 'laptop-7']),
      '--code',
      '--json',
    )
    return (JSON.parse(stdout) as { code: string }).code
  }
  return { cwd, attest, code, url: await listening(door) }
}

async function listening(server: ReturnType<typeof createServer>): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A device's folder with its key and a code. */
async function device(code: string) {
  const cwd = tempFolder('device')
  const publicKey = await keyIn(cwd)
  writeFileSync(join(cwd, 'code.txt'), `${code}\n`)
  const redeem = (console: string, ...args: string[]) =>
    attestIn(cwd)('redeem', '--console', console, '--code-file', 'code.txt', '--key', 'device.pem', ...args)
  return { cwd, publicKey, redeem }
}

test('a device redeems its code, is told what to set, and attests', async () => {
  const { url, code, attest } = await operator()
  const { cwd, publicKey, redeem } = await device(await code())
  const { status, stdout, stderr } = await redeem(url)
  assert.deepEqual([status, stderr], [0, ''])
  assert.match(
    stdout,
    /^device {4}laptop-7\nexpires {3}20\S+Z\naudience {2}egress-1\nnext: .*\n {2}attestation: \{ sign: \{"key":"\/.*\/device\.pem","device":"laptop-7","audience":"egress-1"\} \}\n$/,
  )
  const { publicKey: known } = JSON.parse((await attest('list', '--json')).stdout) as { publicKey: string }
  assert.equal(known, publicKey)
  const target = ['--audience', 'egress-1', '--authority', 'a:443']
  const signed = await attestIn(cwd)('sign', '--key', 'device.pem', '--device', 'laptop-7', '--policy', 'p', ...target)
  assert.equal((await attest('verify', signed.stdout.trim(), ...target)).status, 0)
})

test('the code may come from standard input, and the answer as JSON', async () => {
  const { url, code } = await operator(null)
  const cwd = tempFolder('device')
  await keyIn(cwd)
  const args = ['attest', 'redeem', '--console', `${url}/`, '--code-file', '-', '--key', 'device.pem', '--json']
  const { status, stdout } = await commandLine(args, { cwd, stdin: await code() })
  assert.equal(status, 0)
  const { device: id, audience, policies, overlap } = JSON.parse(stdout) as Record<string, unknown>
  assert.deepEqual([id, audience, policies, overlap], ['laptop-7', null, [], null])
})

test('a code is good for one key only', async () => {
  const { url, code } = await operator()
  const one = await code()
  const first = await device(one)
  assert.equal((await first.redeem(url)).status, 0)
  assert.equal((await first.redeem(url)).status, 0)
  const second = await (await device(one)).redeem(url)
  assert.deepEqual([second.status, second.stdout], [1, ''])
  assert.match(second.stderr, /^error: the code is not valid\nhint: /)
})

test('a device renews its key with a code; the old one is good for a while', async () => {
  const { url, code, attest } = await operator()
  const { cwd, redeem } = await device(await code())
  await redeem(url)
  writeFileSync(join(cwd, 'code.txt'), await code('rotate', 'laptop-7'))
  assert.match((await redeem(url)).stderr, /^error: the key is, or was, in use\n/)
  await keyIn(cwd, 'next.pem')
  const { status, stdout } = await redeem(url, '--key', 'next.pem', '--json')
  assert.equal(status, 0)
  assert.match(String((JSON.parse(stdout) as { overlap: string }).overlap), /^20/)
  const target = ['--audience', 'egress-1', '--authority', 'a:443']
  for (const file of ['device.pem', 'next.pem']) {
    const signed = await attestIn(cwd)('sign', '--key', file, '--device', 'laptop-7', '--policy', 'p', ...target)
    assert.equal((await attest('verify', signed.stdout.trim(), ...target)).status, 0, file)
  }
})

test('neither the code nor the key is sent', async () => {
  const { code } = await operator()
  let sent = ''
  const url = await listening(
    createServer((request, response) => {
      sent += `${request.url} ${JSON.stringify(request.headers)}`
      request.on('data', (piece: Buffer) => (sent += piece.toString())).on('end', () => response.writeHead(403).end())
    }),
  )
  const text = await code()
  const { cwd, redeem, publicKey } = await device(text)
  await redeem(`${url}/behind/a/path`)
  assert.ok(sent.startsWith('/behind/a/path/enroll '))
  assert.ok(sent.includes(publicKey))
  assert.ok(!sent.includes(text.slice('laptop-7.'.length)))
  const secret = readFileSync(join(cwd, 'device.pem'), 'utf8').split('\n')[1] ?? 'none'
  assert.ok(!sent.includes(secret.slice(-40)))
})

const answers: [what: string, answer: RequestListener, said: RegExp][] = [
  ['something else', (_, response) => response.writeHead(404).end('<html>'), /the console answered 404/],
  ['a redirect', (_, response) => response.writeHead(307, { location: '/other' }).end(), /the console answered 307/],
  [
    'a name of JavaScript',
    (_, response) => response.writeHead(403).end('{"error":"constructor"}'),
    /the console answered 403/,
  ],
  [
    'another device',
    (_, response) => response.writeHead(201).end('{"device":"x"}'),
    /the answer is not one of Sallyport/,
  ],
  ['nothing', (_, response) => response.writeHead(201).end(), /the answer is not one of Sallyport/],
  [
    'without end',
    (_, response) => response.writeHead(201).end('x'.repeat(1_000_000)),
    /the answer is not one of Sallyport/,
  ],
  [
    'that it is too much',
    (_, response) => response.writeHead(429).end('{"error":"rate_limited"}'),
    /too many attempts/,
  ],
  [
    'that it cannot write',
    (_, response) => response.writeHead(503).end('{"error":"ledger_unavailable"}'),
    /cannot write/,
  ],
  ['no more', (request) => request.socket.destroy(), /cannot be reached: /],
]

for (const [what, answer, said] of answers) {
  test(`a console that answers ${what} is told in words`, async () => {
    const { code } = await operator()
    const url = await listening(createServer(answer))
    const { status, stdout, stderr } = await (await device(await code())).redeem(url)
    assert.deepEqual([status, stdout], [1, ''])
    assert.match(stderr, said)
  })
}

const wrong: [args: string[], status: number, said: RegExp][] = [
  [['--console', 'sallyport.example:3000'], 2, /is no URL/],
  [['--console', 'file:///etc/passwd'], 2, /is no URL/],
  [['--console', 'http://user:secret@x'], 2, /must have no user and password/],
  [['--code-file', 'none.txt'], 1, /none\.txt cannot be read: ENOENT/],
  [['--code-file', 'device.pem'], 1, /this is no code/],
  [['--key', 'code.txt'], 1, /not an Ed25519 private key/],
]

for (const [args, status, said] of wrong) {
  test(`redeem ${args.join(' ')} is refused before anything is sent`, async () => {
    const { redeem } = await device(`laptop-7.${'A'.repeat(43)}`)
    const printed = await redeem('http://127.0.0.1:1', ...args)
    assert.equal(printed.status, status)
    assert.match(printed.stderr, said)
  })
}
