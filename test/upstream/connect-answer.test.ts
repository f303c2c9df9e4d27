import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { connectAnswer } from '../../src/upstream/connect-answer.ts'

const read = (text: string) => connectAnswer(Buffer.from(text, 'latin1'))

const answers: [text: string, status: number, rest: string][] = [
  ['HTTP/1.1 200 Connection established\r\n\r\n', 200, ''],
  ['HTTP/1.0 200\r\n\r\n', 200, ''],
  ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello', 200, 'hello'],
  ['HTTP/1.1 204 \r\n\r\n\x16\x03', 204, '\x16\x03'],
  ['HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\nno', 407, 'no'],
  ['HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 P\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n\r\nSSH', 200, 'SSH'],
  ['HTTP/1.1 101 Switching Protocols\r\n\r\n', 101, ''],
]
for (const [text, status, rest] of answers) {
  test(`the answer ${JSON.stringify(text)} is ${status}, whole at its last byte and not before`, () => {
    const head = text.length - rest.length
    for (let cut = 0; cut < head; cut += 1) assert.deepEqual(read(text.slice(0, cut)), { kind: 'more' })
    for (let cut = head; cut <= text.length; cut += 1) {
      assert.deepEqual(read(text.slice(0, cut)), { kind: 'done', value: { status }, length: head })
    }
  })
}

for (const text of [
  'SSH-2.0-x',
  '\x05\x00',
  '\x15\x03\x01\x00\x02\x02\x28',
  'HTTP/2 200 OK\r\n\r\n',
  'HTTP/1.2 200 OK\r\n\r\n',
  'HTTP/1.1 20 OK\r\n\r\n',
  'HTTP/1.1 2000 OK\r\n\r\n',
  'HTTP/1.1 099 OK\r\n\r\n',
  'HTTP/1.1  200 OK\r\n\r\n',
  'HTTP/1.1 200\nOK\r\n\r\n',
  '<html>',
  'HTTP/1.1 100 Continue\r\n\r\nnonsense',
]) {
  test(`${JSON.stringify(text)} is no answer`, () => {
    assert.throws(() => read(text), RangeError)
  })
}

test('an answer without end is given up, and so are informational ones without end', () => {
  assert.throws(() => read(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}`), RangeError)
  assert.throws(() => read('HTTP/1.1 100 Continue\r\n\r\n'.repeat(4_000)), RangeError)
})

test('whatever comes, it is read or refused, and never read past its end', () => {
  const some = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string().map((text) => `HTTP/1.1 ${text}\r\n\r\n`),
  )
  fc.assert(
    fc.property(some, (text) => {
      try {
        const parsed = read(text)
        if (parsed.kind === 'done') assert.ok(parsed.length <= text.length && text.startsWith('HTTP/1.'))
      } catch (error) {
        assert.ok(error instanceof RangeError)
      }
    }),
  )
})
