import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { WebSocket, WebSocketServer, type PerMessageDeflateOptions } from 'ws'
import { startStage, tlsThrough, type Stage } from '../support/stage.ts'

let stage: Stage
let accepting: PerMessageDeflateOptions = {}
let heard: string[] = []

const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: accepting, maxPayload: 300_000_000 })
  server.handleUpgrade(request, socket, head, (opened) => {
    opened.on('message', (data: Buffer, binary: boolean) => {
      heard.push(data.length > 1_000_000 ? String(data.length) : String(data))
      opened.send(data, { binary })
    })
  })
}

before(async () => {
  stage = await startStage(() => {}, {
    hosts: ['live.test', 'large.test'],
    origin: { onUpgrade, alpn: ['http/1.1'] },
    config: { limits: { inspectBytes: 1_000_000 } },
    policies: {
      'a.yaml': {
        intercept: [{ hosts: ['*.test'], action: 'inspect' }],
        oversize: 'allow',
        rules: [
          {
            name: 'birds',
            on: 'request',
            hook: 'keywords',
            action: 'tokenize',
            options: { words: ['bluebird'], name: 'birds' },
          },
          {
            name: 'fish',
            on: 'response',
            hook: 'keywords',
            action: 'redact',
            options: { words: ['goldfish'], name: 'fish' },
          },
        ],
      },
    },
  })
})

after(() => stage[Symbol.asyncDispose]())

async function open(host: string, path: string, offering: PerMessageDeflateOptions): Promise<WebSocket> {
  const tls = await tlsThrough(stage.sallyport.proxyPort, `${host}:443`, stage.sallyport.ca(), ['http/1.1'])
  const socket = new WebSocket(`wss://${host}${path}`, {
    createConnection: () => tls,
    perMessageDeflate: offering,
    maxPayload: 300_000_000,
  })
  await once(socket, 'open')
  return socket
}

const agreements: [name: string, offering: PerMessageDeflateOptions, accepting: PerMessageDeflateOptions][] = [
  ['all defaults', {}, {}],
  ['the smallest windows', { clientMaxWindowBits: 8 }, { clientMaxWindowBits: 8, serverMaxWindowBits: 8 }],
  ['windows of 9 and 12', { clientMaxWindowBits: 9 }, { clientMaxWindowBits: 9, serverMaxWindowBits: 12 }],
  ['no takeover by the client', { clientNoContextTakeover: true }, { clientNoContextTakeover: true }],
  ['no takeover by the server', { serverNoContextTakeover: true }, { serverNoContextTakeover: true }],
  [
    'no takeover at all',
    { clientNoContextTakeover: true, serverNoContextTakeover: true },
    { clientNoContextTakeover: true, serverNoContextTakeover: true },
  ],
]
for (const [at, [name, offering, accepts]] of agreements.entries()) {
  test(`messages between clients and servers of ws are right, changed or not, with ${name}`, async () => {
    const word = fc.constantFrom(
      'hello ',
      'bluebird ',
      'goldfish ',
      '\u20ac ',
      `${'x'.repeat(1_500)} `,
      'lorem ipsum '.repeat(40),
    )
    accepting = { threshold: 200, ...accepts }
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(word, { maxLength: 5 }), { minLength: 1, maxLength: 12 }),
        async (messages) => {
          heard = []
          const socket = await open('live.test', `/ws-${at}`, { threshold: 200, ...offering })
          const back: string[] = []
          const all = new Promise<void>((resolve) => {
            socket.on('message', (data: Buffer) => {
              back.push(String(data))
              if (back.length === messages.length) resolve()
            })
          })
          const sent = messages.map((words) => words.join(''))
          for (const text of sent) socket.send(text)
          await all
          socket.close(1000)
          await once(socket, 'close')
          assert.deepEqual(
            back.map(short),
            sent.map((text) => short(text.replaceAll('goldfish', '[REDACTED:KEYWORD:fish]'))),
          )
          assert.ok(!heard.join().includes('bluebird'))
        },
      ),
      { numRuns: 6 },
    )
  })
}

test('a message of 150 MB passes unread where policy allows it, through a process that stays small', async () => {
  accepting = { threshold: Number.MAX_SAFE_INTEGER }
  heard = []
  const socket = await open('large.test', '/large', { threshold: Number.MAX_SAFE_INTEGER })
  const before = await residentBytes()
  let most = 0
  const watch = setInterval(() => void residentBytes().then((bytes) => (most = Math.max(most, bytes))), 50)
  const large = Buffer.alloc(150_000_000, 'a')
  const back = once(socket, 'message') as Promise<[Buffer]>
  socket.send(large, { binary: false })
  assert.equal((await back)[0].length, large.length)
  clearInterval(watch)
  socket.close()
  await once(socket, 'close')
  assert.deepEqual(heard, [String(large.length)])
  assert.ok(most - before < 140_000_000, `it grew by ${most - before} bytes`)
  const row = await stage.exchange('/large')
  assert.deepEqual([row['request_bytes'], row['error']], [large.length, 'not_inspected: oversize message'])
})

/** Runs of one letter as their length: a failure is to be read. */
const short = (text: string): string => text.replaceAll(/(.)\1{20,}/g, (run) => `${run[0]}*${run.length}`)

/** Of the program under test. */
async function residentBytes(): Promise<number> {
  const { body } = await stage.sallyport.get('/metrics')
  return Math.max(
    ...[...body.matchAll(/^\S*resident_memory_bytes(?:\{[^}]*\})? ([\d.e+]+)$/gm)].map(([, value]) => Number(value)),
  )
}
