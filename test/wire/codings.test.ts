import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import type { Transform } from 'node:stream'
import { after, before, test } from 'node:test'
import * as zlib from 'node:zlib'
import type { OriginHandler } from '../support/origin.ts'
import { startStage, type Stage } from '../support/stage.ts'

const kinds = ['plain', 'redact', 'block'] as const
type Kind = (typeof kinds)[number]
const hostOf = (kind: Kind): string => `openai.${kind}.test`

let stage: Stage

before(async () => {
  const rule = (kind: Kind, on: string, action: string) => ({
    name: `${kind} ${on}`,
    on,
    when: { host: [hostOf(kind)] },
    hook: 'keywords',
    options: { name: 'project', words: ['bluebird'] },
    action,
  })
  stage = await startStage(answering('{}'), {
    hosts: kinds.map(hostOf),
    policies: {
      '10-test.yaml': {
        intercept: [{ hosts: ['*.test'], action: 'inspect' }],
        rules: [rule('redact', 'both', 'redact'), rule('block', 'response', 'block')],
      },
    },
  })
})

after(() => stage[Symbol.asyncDispose]())

type Pack = (bytes: Uint8Array) => Buffer

const codings: readonly (readonly [field: string, pack: Pack])[] = [
  ['gzip', zlib.gzipSync],
  ['x-gzip', zlib.gzipSync],
  ['deflate', zlib.deflateSync],
  ['deflate', zlib.deflateRawSync],
  ['br', zlib.brotliCompressSync],
  ['zstd', zlib.zstdCompressSync],
  ['identity', Buffer.from],
  ['  GZip ', zlib.gzipSync],
  ['gzip, br', (bytes) => zlib.brotliCompressSync(zlib.gzipSync(bytes))],
  ['identity, ,deflate', zlib.deflateSync],
  ['zstd\r\nContent-Encoding: gzip', (bytes) => zlib.gzipSync(zlib.zstdCompressSync(bytes))],
  ['gzip,', (bytes) => Buffer.concat([zlib.gzipSync(bytes.subarray(0, 20)), zlib.gzipSync(bytes.subarray(20))])],
]

const chat = (content: string): Buffer =>
  Buffer.from(JSON.stringify({ model: 'gpt-5.1', messages: [{ role: 'user', content }] }))

const answerText = (content: string): Buffer =>
  Buffer.from(JSON.stringify({ choices: [{ index: 0, message: { role: 'assistant', content } }] }))

function answering(content: string | Buffer, headers: Record<string, string | string[]> = {}): OriginHandler {
  return (_seen, response) =>
    void response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(content)
}

async function ask(kind: Kind, body: Uint8Array, coding?: string) {
  const client = await stage.connect(hostOf(kind))
  const fields = coding === undefined ? '' : `Content-Encoding: ${coding}\r\n`
  client.send(
    `POST /v1/chat/completions HTTP/1.1\r\nHost: ${hostOf(kind)}\r\nContent-Type: application/json\r\n${fields}Content-Length: ${body.length}\r\n\r\n`,
  )
  client.send(body)
  const answer = await client.answer()
  client.close()
  return { ...answer, bytes: Buffer.from(answer.body, 'latin1') }
}

const fieldsOf = (headers: readonly string[], name: string): string[] =>
  headers.filter((_, i) => i % 2 === 1 && headers[i - 1]?.toLowerCase() === name)

for (const [coding, pack] of codings) {
  const name = `${coding.replace('\r\nContent-Encoding:', ' and')} ${pack === zlib.deflateRawSync ? ' without a wrapper' : ''}`

  test(`${name}: a request that nobody changes passes as it came, and a changed one without its coding`, async () => {
    stage.origin.answer(answering('{}'))
    const packed = pack(chat('about a robin'))
    const before = stage.origin.seen.length
    assert.equal((await ask('redact', packed, coding)).status, 200)
    assert.equal((await ask('redact', pack(chat('about a bluebird')), coding)).status, 200)
    const [same, changed] = stage.origin.seen.slice(before)
    assert.deepEqual(same?.body, packed)
    assert.deepEqual(
      fieldsOf(same.headers, 'content-encoding'),
      coding.split('\r\nContent-Encoding:').map((one) => one.trim()),
    )
    assert.match(changed?.text() ?? '', /about a \[REDACTED/)
    assert.deepEqual(fieldsOf(changed?.headers ?? [], 'content-encoding'), [])
    assert.equal(changed?.header('content-length'), String(changed?.body.length))
  })

  test(`${name}: the same of an answer, also when nobody asked for the coding`, async () => {
    const fields = coding.includes('\r\n') ? ['zstd', 'gzip'] : coding
    const packed = pack(answerText('about a robin'))
    stage.origin.answer(answering(packed, { 'content-encoding': fields }))
    const same = await ask('redact', chat('hello'))
    assert.deepEqual([same.status, same.bytes], [200, packed])
    stage.origin.answer(answering(pack(answerText('about a bluebird')), { 'content-encoding': fields }))
    const changed = await ask('redact', chat('hello'))
    assert.match(changed.body, /about a \[REDACTED/)
    assert.deepEqual(
      [changed.header('content-encoding'), changed.header('content-length')],
      [undefined, String(changed.body.length)],
    )
  })
}

const whole = zlib.gzipSync(chat('about a bluebird'))
const unreadable: readonly (readonly [what: string, coding: string, bytes: Buffer])[] = [
  ['an unknown coding', 'compress', whole],
  ['another unknown coding', 'foo', whole],
  ['a name of the language', '__proto__', whole],
  ['a wrong label', 'br', whole],
  ['no coding where one is named', 'gzip', chat('hello')],
  ['a stream without its end', 'gzip', whole.subarray(0, -3)],
  ['bytes after the end', 'gzip', Buffer.concat([whole, chat('about a bluebird')])],
  ['zeros after the end', 'gzip', Buffer.concat([whole, Buffer.alloc(8)])],
  ['bytes after the end', 'deflate', Buffer.concat([zlib.deflateSync(chat('x')), chat('about a bluebird')])],
  ['bytes after the end', 'br', Buffer.concat([zlib.brotliCompressSync(chat('x')), chat('about a bluebird')])],
  ['bytes after the end', 'zstd', Buffer.concat([zlib.zstdCompressSync(chat('x')), chat('about a bluebird')])],
  ['three codings', 'gzip, gzip, gzip', zlib.gzipSync(zlib.gzipSync(whole))],
  ['a bomb', 'gzip', zlib.gzipSync(Buffer.alloc(100_000_000, ' '))],
  ['a bomb in a bomb', 'gzip, br', zlib.brotliCompressSync(zlib.gzipSync(Buffer.alloc(100_000_000, ' ')))],
]

for (const [what, coding, bytes] of unreadable) {
  test(`${what} (${coding}) is refused in a request and in an answer that must be read`, async () => {
    stage.origin.answer(answering('{}'))
    const before = stage.origin.seen.length
    const refused = await ask('redact', bytes, coding)
    assert.deepEqual([refused.status, /unreadable_body/.test(refused.body)], [400, true])
    assert.equal(stage.origin.seen.length, before)
    stage.origin.answer(answering(bytes, { 'content-encoding': coding }))
    const answer = await ask('redact', chat('hello'))
    assert.deepEqual([answer.status, /upstream_invalid/.test(answer.body)], [502, true])
    // Where no rule asks for the answer, it passes as it came.
    assert.deepEqual((await ask('plain', chat('hello'))).bytes, bytes)
  })
}

const packers = {
  gzip: () => zlib.createGzip(),
  deflate: () => zlib.createDeflate(),
  'deflate, raw': () => zlib.createDeflateRaw(),
  br: () => zlib.createBrotliCompress(),
  zstd: () => zlib.createZstdCompress(),
}
const delta = (content: string): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`

for (const [name, make] of Object.entries(packers)) {
  for (const kind of ['plain', 'redact'] as const) {
    test(`${name}, ${kind}: each event of a stream leaves before the origin sends the next`, async () => {
      const coding = name.split(',')[0] as string
      let next = (): void => undefined
      let sent = Buffer.alloc(0)
      stage.origin.answer(async (_seen, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': coding })
        const packer = make()
        packer.on('data', (bytes: Buffer) => {
          sent = Buffer.concat([sent, bytes])
          response.write(bytes)
        })
        for (let i = 0; i < 4; i += 1) {
          const gate = new Promise<void>((resolve) => (next = resolve))
          packer.write(delta(`word${i}. `))
          packer.flush()
          await gate
        }
        packer.end(delta('a bluebird. '))
        await once(packer, 'end')
        response.end()
      })
      const { response, close } = await streamFrom(kind)
      assert.equal(response.headers['content-encoding'], kind === 'plain' ? coding : undefined)
      const raw: Buffer[] = []
      const read = textOf(response, kind === 'plain' ? unpackers[name]?.() : undefined, raw)
      for (let i = 0; i < 4; i += 1) {
        await read(`word${i}. `)
        next()
      }
      await read(kind === 'plain' ? 'a bluebird. ' : 'a [REDACTED')
      if (kind === 'plain') assert.deepEqual(Buffer.concat(raw).subarray(0, sent.length), sent)
      close()
    })
  }
}

async function streamFrom(kind: Kind): Promise<{ response: IncomingMessage; close: () => void }> {
  const { tls } = await stage.connect(hostOf(kind))
  tls.removeAllListeners('data')
  const asked = request({
    createConnection: () => tls,
    method: 'POST',
    path: '/v1/chat/completions',
    headers: { host: hostOf(kind), 'content-type': 'application/json' },
  })
  asked.end(chat('hello'))
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  return { response, close: () => void tls.destroy() }
}

/** Waits for a text in what comes, unpacked. */
function textOf(
  response: IncomingMessage,
  unpacker: Transform | undefined,
  raw: Buffer[],
): (mark: string) => Promise<void> {
  let text = ''
  let wake = (): void => undefined
  const take = (bytes: Buffer): void => {
    text += bytes.toString()
    wake()
  }
  unpacker?.on('data', take)
  response.on('data', (bytes: Buffer) => {
    raw.push(bytes)
    if (unpacker === undefined) take(bytes)
    else unpacker.write(bytes)
  })
  response.on('error', () => undefined)
  return async (mark) => {
    while (!text.includes(mark)) await new Promise<void>((resolve) => (wake = resolve))
  }
}

test('a stream in two codings is read, and a bomb in a stream is broken off', async () => {
  const events = Buffer.from(delta('about a bluebird. '))
  stage.origin.answer(answering(zlib.brotliCompressSync(zlib.gzipSync(events)), stream('gzip, br')))
  assert.match((await ask('redact', chat('hello'))).body, /about a \[REDACTED/)
  const bomb = zlib.brotliCompressSync(Buffer.alloc(100_000_000, ' '))
  stage.origin.answer(answering(bomb, stream('br')))
  await assert.rejects(ask('redact', chat('hello')), /ended|reset/i)
  // Where nobody could change it, it passes as it came, and the record says that it was not read.
  const before = stage.sallyport.rows('exchanges').length
  assert.deepEqual((await ask('plain', chat('hello'))).bytes, bomb)
  const rows = await stage.sallyport.rowsWhen(
    'exchanges',
    (some) => some.length > before && some.every(({ state }) => state !== 'open'),
  )
  assert.equal(rows.at(-1)?.['error'], 'not_inspected: answer unreadable')
})

test('a block in a coded stream ends the exchange with the origin, which says nothing more', async () => {
  stage.origin.answer((_seen, response) => {
    const packer = zlib.createGzip()
    response.writeHead(200, stream('gzip'))
    packer.pipe(response, { end: false })
    packer.write(delta('about a bluebird. and more'))
    packer.flush()
  })
  const client = await stage.connect(hostOf('block'))
  const body = chat('hello')
  client.send(
    `POST /v1/chat/completions HTTP/1.1\r\nHost: ${hostOf('block')}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
  )
  client.send(body)
  assert.doesNotMatch((await client.answer()).body, /bluebird/)
  const seen = stage.origin.seen.at(-1)
  assert.equal(seen && (await stage.origin.settled(seen)), 'aborted')
  client.close()
})

test('a stream in an unknown coding is 502 where a rule must read it, and passes elsewhere', async () => {
  const events = Buffer.from(delta('about a bluebird. '))
  stage.origin.answer(answering(events, stream('compress')))
  assert.equal((await ask('redact', chat('hello'))).status, 502)
  assert.deepEqual((await ask('plain', chat('hello'))).bytes, events)
})

const stream = (coding: string): Record<string, string> => ({
  'content-type': 'text/event-stream',
  'content-encoding': coding,
})

const unpackers: Record<string, () => Transform> = {
  gzip: () => zlib.createGunzip(),
  deflate: () => zlib.createInflate(),
  'deflate, raw': () => zlib.createInflateRaw(),
  br: () => zlib.createBrotliDecompress(),
  zstd: () => zlib.createZstdDecompress(),
}
