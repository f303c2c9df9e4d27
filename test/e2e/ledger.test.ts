import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import Database from 'better-sqlite3'
import { gzipSync } from 'node:zlib'
import { fakeProviders } from '../support/fake-providers.ts'
import type { OriginHandler } from '../support/origin.ts'
import { serve } from '../support/sallyport.ts'
import { startStage, type Row, type Stage } from '../support/stage.ts'

const host = 'api.openai.com'
const secret = 'AKIAZK3QXW5TN7RBJ2VD'
const chat = (content: string, stream = false) =>
  JSON.stringify({ model: 'gpt-5.1', stream, messages: [{ role: 'user', content }] })

test('the row is there before the origin gets a byte, survives kill -9 in the middle of a stream, and becomes lost', async () => {
  const found: Row[][] = []
  let stage: Stage | undefined
  await using running = await startStage(
    (_seen, response) => {
      // What another process sees in the database at this moment.
      found.push(stage?.sallyport.rows('exchanges') ?? [])
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: {"choices":[{"index":0,"delta":{"content":"begun "}}]}\n\n')
    },
    { hosts: [host], origin: { early: true } },
  )
  stage = running
  const body = chat('hello', true)
  const client = await stage.connect(host)
  client.send(
    `POST /v1/chat/completions HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
  await client.until('begun')
  const [row] = found[0] as [Row]
  assert.deepEqual(
    [row['state'], row['host'], row['model'], row['stream'], row['path']],
    ['open', host, 'gpt-5.1', 1, '/v1/chat/completions'],
  )
  await stage.sallyport.kill()
  await client.rest()
  assert.deepEqual(
    stage.sallyport.rows('exchanges').map((some) => some['state']),
    ['open'],
  )
  await using again = await serve(stage.sallyport)
  const rows = await again.rowsWhen('exchanges', (some) => some[0]?.['state'] === 'lost')
  assert.equal(rows.length, 1)
  assert.equal(rows[0]?.['id'], row['id'])
  assert.match(again.log(), /lost/)
})

// Both wait for the recorder's patience to end.
suite('a ledger that cannot be written', { concurrency: true }, () => {
  for (const policy of ['block', 'allow'] as const) outage(policy)
})

function outage(policy: 'block' | 'allow'): void {
  test(`traffic follows whenUnavailable: ${policy}`, async () => {
    await using stage = await startStage(fakeProviders(), {
      hosts: [host],
      config: { audit: { whenUnavailable: policy } },
    })
    const ask = async () => {
      const body = chat('hello')
      const client = await stage.connect(host)
      client.send(
        `POST /v1/chat/completions HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      )
      const answer = await client.answer()
      client.close()
      return answer
    }
    assert.equal((await ask()).status, 200)
    // Another writer that does not let go.
    const db = new Database(join(stage.sallyport.dir, 'data', 'sallyport.db'))
    db.exec('BEGIN IMMEDIATE')
    const answer = await ask()
    if (policy === 'block') {
      assert.deepEqual([answer.status, answer.header('sallyport-error')], [503, 'ledger_unavailable'])
      assert.match(answer.body, /"error"/)
      assert.equal(stage.origin.seen.length, 1)
      const ready = await stage.sallyport.get('/readyz')
      assert.equal(ready.status, 503)
      assert.match(ready.body, /ledger/)
    } else {
      assert.equal(answer.status, 200)
    }
    db.exec('ROLLBACK')
    db.close()
    for (;;) if ((await stage.sallyport.get('/readyz')).status === 200) break
    assert.equal((await ask()).status, 200)
    const rows = await stage.sallyport.rowsWhen(
      'exchanges',
      (some) => some.length === 3 && some.every((row) => row['state'] !== 'open'),
    )
    assert.deepEqual(
      rows.map((row) => row['status']),
      [200, policy === 'block' ? 503 : 200, 200],
    )
  })
}

const shapes: [what: string, body: Buffer, fields: string][] = [
  ['a chat', Buffer.from(chat(`key ${secret}.`)), 'Content-Type: application/json'],
  ['a compressed chat', gzipSync(chat(`key ${secret}.`)), 'Content-Type: application/json\r\nContent-Encoding: gzip'],
  ['a stream', Buffer.from(chat(`key ${secret}.`, true)), 'Content-Type: application/json'],
  [
    'an escaped secret',
    Buffer.from(chat(`key ${secret}.`).replace('AKIA', '\\u0041KIA')),
    'Content-Type: application/json',
  ],
  ['JSON that is none', Buffer.from(`{"messages": [{"content": "key ${secret}."`), 'Content-Type: application/json'],
  ['a form', Buffer.from(`a=1&text=key+${secret}.`), 'Content-Type: application/x-www-form-urlencoded'],
  ['plain text', Buffer.from(`key ${secret}.`), 'Content-Type: text/plain'],
  ['text without a type', Buffer.from(`key ${secret}.`), 'X-Nothing: 1'],
  [
    'a body that spills',
    Buffer.from(chat(`key ${secret}. ${'word '.repeat(40_000)}${secret}`)),
    'Content-Type: application/json',
  ],
]

for (const action of ['flag', 'tokenize', 'redact', 'block', 'observe']) {
  test(`store: redacted keeps a secret out of every file when policy says ${action}, also when the answer quotes it`, async () => {
    const quoting: OriginHandler = (seen, response) => {
      response.writeHead(200, {
        'content-type': seen.text().includes('"stream":true') ? 'text/event-stream' : 'application/json',
      })
      const said = `you said ${secret}`
      if (seen.text().includes('"stream":true')) {
        for (const content of [said.slice(0, 15), said.slice(15)])
          response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`)
        response.end('data: [DONE]\n\n')
      } else response.end(JSON.stringify({ choices: [{ message: { role: 'assistant', content: said } }] }))
    }
    await using stage = await startStage(quoting, {
      hosts: [host, 'other.test'],
      config: { log: { level: 'debug', format: 'json' } },
      policies: {
        'a.yaml': {
          mode: action === 'observe' ? 'observe' : 'enforce',
          intercept: [{ hosts: ['catalogue', '*.test'], action: 'inspect' }],
          rules: [{ name: 'keys', on: 'request', hook: 'secrets', action: action === 'observe' ? 'tokenize' : action }],
        },
      },
    })
    for (const [i, [, body, fields]] of shapes.entries()) {
      const to = i % 2 === 0 ? host : 'other.test'
      const client = await stage.connect(to)
      const head = `POST /v1/chat/completions?key=${secret} HTTP/1.1\r\nHost: ${to}\r\nAuthorization: Bearer ${secret}\r\n${fields}\r\nContent-Length: ${body.length}\r\n\r\n`
      client.send(Buffer.concat([Buffer.from(head), body]))
      const answer = await client.answer()
      assert.equal(answer.status, action === 'block' ? 403 : 200, answer.body)
      assert.ok(action !== 'block' || !answer.body.includes(secret))
      client.close()
    }
    const rows = await stage.sallyport.rowsWhen(
      'exchanges',
      (some) => some.length === shapes.length && some.every((row) => row['state'] !== 'open'),
    )
    assert.deepEqual(
      rows.map((row) => row['decision']),
      shapes.map(() => (action === 'observe' ? 'flag' : action)),
    )
    assert.ok(rows.every((row) => String(row['findings']).includes('SECRET:')))
    if (action !== 'block') assert.ok(existsSync(join(stage.sallyport.dir, 'data', 'bodies')))
    assert.equal(await stage.sallyport.stop(), 0)
    assert.deepEqual(stage.sallyport.filesWith(secret), [])
    assert.ok(!stage.sallyport.log().includes(secret))
  })
}
