import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openLog, silentLog } from '../../src/lib/log.ts'
import type { Log, LogOptions } from '../../src/lib/log.ts'
import { sink } from '../support/command-line.ts'

async function logged(options: Partial<LogOptions> & { isTTY?: boolean }, write: (log: Log) => void): Promise<string> {
  const { stream, text } = sink({ isTTY: options.isTTY })
  write(await openLog({ level: 'info', format: 'json', to: stream, ...options }))
  await new Promise((resolve) => setImmediate(resolve))
  return text()
}

test('an event is one line of JSON with time, level, fields and message', async () => {
  const text = await logged({}, (log) => log.info({ exchange: 'x1', n: 2 }, 'ready'))
  assert.match(text, /^[^\n]+\n$/)
  const { time, pid, ...event } = JSON.parse(text) as Record<string, unknown>
  assert.deepEqual(event, { level: 'info', exchange: 'x1', n: 2, msg: 'ready' })
  assert.equal(pid, process.pid)
  assert.ok(!Number.isNaN(Date.parse(String(time))))
})

test('events below the level are not written, and the level can be changed', async () => {
  const text = await logged({ level: 'warn' }, (log) => {
    log.info({}, 'first')
    log.warn({}, 'second')
    log.level = 'debug'
    log.debug({}, 'third')
  })
  assert.deepEqual(
    text
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { msg: string }).msg),
    ['second', 'third'],
  )
})

test('an error is written with its code and cause', async () => {
  const cause = new Error('the reason')
  const text = await logged({}, (log) => log.error({ err: new Error('it failed', { cause }) }, 'failed'))
  const { err } = JSON.parse(text) as { err: { message: string; stack: string } }
  assert.match(err.message, /it failed/)
  assert.match(err.stack, /the reason/)
})

const secret = 'made-up-Zq8fK2'
const hidden: [string, Record<string, unknown>][] = [
  ['a field', { token: secret }],
  ['a field in another case', { 'Proxy-Authorization': secret, api_key: secret, 'X-API-Key': secret }],
  ['a header', { request: { headers: { authorization: secret, Cookie: secret } } }],
  ['a header of a flat list', { headers: ['host', 'x', 'X-Goog-Api-Key', secret, 'Set-Cookie', secret] }],
  ['a list of maps', { sinks: [{ name: 'a', secret, password: secret }] }],
]

for (const [name, fields] of hidden) {
  test(`a secret is masked as ${name}, pretty or not, also in a child`, async () => {
    for (const format of ['json', 'pretty'] as const) {
      const text = await logged({ format }, (log) => {
        log.info(fields, 'first')
        log.child(fields).info({}, 'second')
      })
      assert.match(text, /first[^]*second|"first"[^]*"second"/)
      assert.ok(!text.includes(secret), text)
    }
  })
}

test('what only sounds like a secret stays', async () => {
  const text = await logged({}, (log) => log.info({ input_tokens: 5, keys: ['proxy.listen'] }, 'x'))
  assert.match(text, /"input_tokens":5,"keys":\["proxy\.listen"\]/)
})

const formats: [string, Partial<LogOptions> & { isTTY?: boolean }, boolean][] = [
  ['auto in a pipe', { format: 'auto' }, false],
  ['auto on a terminal', { format: 'auto', isTTY: true }, true],
  ['pretty in a pipe', { format: 'pretty' }, true],
  ['json on a terminal', { format: 'json', isTTY: true }, false],
]

for (const [name, options, pretty] of formats) {
  test(`${name} is ${pretty ? 'pretty' : 'JSON'}`, async () => {
    const text = await logged(options, (log) => log.info({ port: 1 }, 'ready'))
    assert.equal(text.startsWith('{'), !pretty)
    assert.match(text, /ready/)
  })
}

test('a silent log writes nothing and takes everything', () => {
  const log = silentLog()
  assert.doesNotThrow(() => log.child({ a: 1 }).fatal({ b: 2 }, 'x'))
})
