import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { after, before, test } from 'node:test'
import { createGzip } from 'node:zlib'
import type { OriginHandler } from '../support/origin.ts'
import { canMeasure, growth } from '../support/resident.ts'
import { startStage, type Stage } from '../support/stage.ts'

const hosts = ['read.openai.test', 'held.openai.test']
const allowedMb = 100
const event = Buffer.from(
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'lorem ipsum '.repeat(2_000) } }] })}\n\n`,
)
const most = 200_000_000
const counting: OriginHandler = (_seen, response) => void response.writeHead(200).end('{}')
let stage: Stage
let received = 0

before(async () => {
  stage = await startStage(counting, {
    hosts,
    policies: {
      '10-test.yaml': {
        intercept: [{ hosts: ['*.test'], action: 'inspect' }],
        rules: [
          {
            name: 'words',
            on: 'response',
            when: { host: ['held.*'] },
            hook: 'keywords',
            options: { name: 'w', words: ['bluebird'] },
            action: 'redact',
          },
        ],
      },
    },
  })
})

after(() => stage[Symbol.asyncDispose]())

function streaming(coding: string | undefined, bytes: number): OriginHandler {
  return async (_seen, response) => {
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      ...(coding === undefined ? {} : { 'content-encoding': coding }),
    })
    const into = coding === undefined ? response : createGzip({ level: 1 })
    if (into !== response) (into as ReturnType<typeof createGzip>).pipe(response)
    for (let sent = 0; sent < bytes; sent += event.length) if (!into.write(event)) await once(into, 'drain')
    into.end()
  }
}

async function ask(host: string, path: string, type: string, body: Iterable<Buffer>): Promise<number> {
  const { tls } = await stage.connect(host)
  tls.removeAllListeners('data')
  const asked = request({ createConnection: () => tls, method: 'POST', path, headers: { host, 'content-type': type } })
  const answered = once(asked, 'response') as Promise<[IncomingMessage]>
  for (const bytes of body) if (!asked.write(bytes)) await once(asked, 'drain')
  asked.end()
  const [response] = await answered
  received = 0
  for await (const bytes of response) received += (bytes as Buffer).length
  tls.destroy()
  return response.statusCode ?? 0
}

for (const [host, coding, bytes] of [
  ['read.openai.test', undefined, most],
  ['held.openai.test', undefined, most / 2],
  ['held.openai.test', 'gzip', most / 4],
] as const) {
  test(
    `${bytes / 1e6} MB of events ${coding ?? 'uncoded'} by ${host} take no memory`,
    { skip: !canMeasure },
    async () => {
      stage.origin.answer(streaming(coding, bytes))
      const body = [Buffer.from('{"model":"gpt-5.1","stream":true,"messages":[{"role":"user","content":"hi"}]}')]
      const chat = (): Promise<number> => ask(host, '/v1/chat/completions', 'application/json', body)
      const grown = await growth(stage.sallyport.child.pid as number, chat)
      assert.ok(received >= bytes, `${received} bytes came`)
      assert.ok(grown < allowedMb, `${grown} MB more`)
    },
  )
}

test('100 MB of audio take no memory', { skip: !canMeasure }, async () => {
  stage.origin.answer(counting)
  function* form(): Generator<Buffer> {
    yield Buffer.from('--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n')
    for (let i = 0; i < 1_600; i += 1) yield Buffer.alloc(65_536, i)
    yield Buffer.from('\r\n--b--\r\n')
  }
  const grown = await growth(stage.sallyport.child.pid as number, async () => {
    assert.equal(await ask('read.openai.test', '/upload', 'audio/wav', form()), 200)
  })
  assert.ok(grown < allowedMb, `${grown} MB more`)
  assert.ok((stage.origin.seen.at(-1)?.body.length ?? 0) > 100_000_000)
})
