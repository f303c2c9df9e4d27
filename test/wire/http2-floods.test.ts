import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  codeOf,
  data,
  fieldBlock,
  frame,
  framesUntil,
  headers,
  ping,
  reset,
  settings,
  types,
  windowUpdate,
} from '../support/http2-frames.ts'
import { answered, begun, connectionRow, good, line } from '../support/http2-requests.ts'
import { startStage, type Stage } from '../support/stage.ts'

// The origin answers all but `/held`; whatever asks for `/bad` must not reach it.
let stage: Stage

before(async () => {
  stage = await startStage((seen, response) => void (seen.url === '/held' || response.end('ok')), {
    hosts: ['two.test'],
    policies: { 'a.yaml': { intercept: [{ hosts: ['*.test'], action: 'inspect' }] } },
  })
})

after(() => stage[Symbol.asyncDispose]())

const bad = (): string[] => stage.origin.seen.map(({ url }) => url).filter((url) => url !== '/good')

test('streams beyond the limit are refused, and those within it go on', async () => {
  const held = Array.from({ length: 250 }, (_, i) =>
    headers(i * 2 + 1, line('two.test', { ':path': '/held' }), { end: true }),
  )
  const over = Array.from({ length: 50 }, (_, i) => headers(501 + i * 2, line('two.test'), { end: true }))
  const client = await begun(stage, 'two.test', ...held, ...over)
  for (let i = 0; i < 50; i += 1) {
    const refused = (await framesUntil(client, ({ type }) => type === types.reset)).at(-1)
    assert.deepEqual(refused && [refused.id, codeOf(refused)], [501 + i * 2, 7])
  }
  client.send(Buffer.concat([reset(1, 8), headers(601, good('two.test'), { end: true })]))
  assert.equal((await answered(client, 601)).ok, true)
  client.close()
  assert.deepEqual(
    bad().filter((some) => some !== '/held'),
    [],
  )
})

const many = (count: number, make: (i: number) => Uint8Array): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, i) => make(i)))
const request = (i: number): Buffer => headers(i * 2 + 1, good('two.test'), { end: true })

const floods: Readonly<Record<string, () => Buffer>> = {
  'requests that are reset at once': () => many(5_000, (i) => Buffer.concat([request(i), reset(i * 2 + 1, 8)])),
  'requests that make us reset them by WINDOW_UPDATE': () =>
    many(2_000, (i) => Buffer.concat([request(i), windowUpdate(i * 2 + 1, 0)])),
  'requests that make us reset them by DATA': () =>
    many(2_000, (i) => Buffer.concat([request(i), data(i * 2 + 1, 'x')])),
  'malformed requests': () =>
    many(1_000, (i) => headers(i * 2 + 1, line('two.test', {}, [['connection', 'x']]), { end: true })),
  CONTINUATION: () =>
    Buffer.concat([
      headers(1, line('two.test'), { open: true }),
      many(5_000, () => frame(types.continuation, 0, 1, fieldBlock([['a', 'b']]))),
    ]),
  'empty CONTINUATION': () =>
    Buffer.concat([headers(1, line('two.test'), { open: true }), many(5_000, () => frame(types.continuation, 0, 1))]),
  PING: () => many(100_000, () => ping()),
  SETTINGS: () => many(20_000, () => settings({ 4: 65_535 })),
  PRIORITY: () => many(100_000, (i) => frame(types.priority, 0, i * 2 + 1, Buffer.from([0, 0, 0, 0, 1]))),
  'empty DATA': () =>
    Buffer.concat([headers(1, line('two.test', { ':method': 'POST' })), many(100_000, () => data(1, ''))]),
  'frames that are too large': () => frame(types.data, 0, 1, Buffer.alloc(16_385)),
  'frames of streams that are idle': () => data(1, 'x'),
  'streams with even numbers': () => headers(2, good('two.test'), { end: true }),
  'PING within a header section': () => Buffer.concat([headers(1, good('two.test'), { open: true }), ping()]),
  'CONTINUATION without a beginning': () => frame(types.continuation, 4, 1),
  'SETTINGS that are cut': () => frame(types.settings, 0, 0, Buffer.alloc(5)),
  PUSH_PROMISE: () => frame(types.push, 4, 1, Buffer.alloc(4)),
  'windows that overflow': () => windowUpdate(0, 0x7fffffff),
  'bytes that are no HPACK': () => headers(1, Buffer.alloc(6, 0xff), { end: true }),
  'padding longer than its frame': () => frame(types.headers, 1 | 4 | 8, 1, Buffer.from([255, 0])),
}

for (const [what, frames] of Object.entries(floods)) {
  test(`a connection that sends ${what} is closed, and its row says so`, async () => {
    const connections = stage.sallyport.rows('connections').length
    const client = await begun(stage, 'two.test', frames())
    client.socket.on('error', () => undefined)
    await framesUntil(client, () => false)
    client.close()
    const row = await connectionRow(stage, connections)
    assert.deepEqual([row?.['handling'], row?.['error']], ['inspect', 'malformed_request'])
    assert.deepEqual(
      bad().filter((some) => some !== '/held'),
      [],
    )
  })
}

test('what is no preface closes the connection, and its row says so', async () => {
  const connections = stage.sallyport.rows('connections').length
  const client = await stage.connect('two.test', { alpn: ['h2'] })
  client.send('GET /bad HTTP/1.1\r\nHost: two.test\r\n\r\n')
  await framesUntil(client, () => false)
  client.close()
  assert.equal((await connectionRow(stage, connections))?.['error'], 'malformed_request')
})

test('window updates and pings of a busy client cost nothing but their time', async () => {
  const client = await begun(
    stage,
    'two.test',
    many(50_000, () => windowUpdate(0, 1)),
    many(500, () => ping()),
    headers(1, good('two.test'), { end: true }),
  )
  assert.equal((await answered(client, 1)).ok, true)
  client.close()
})
