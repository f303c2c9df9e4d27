import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  chosenMethod,
  connectReply,
  connectRequest,
  greeting,
  opened,
  passwordAccepted,
  passwordRequest,
} from '../../src/upstream/socks5.ts'
import type { Parsed } from '../../src/upstream/receive.ts'

const credentials = { user: 'ana', password: 'sécret' }

test('the greeting offers a password only where there is one', () => {
  assert.deepEqual([...greeting(undefined)], [5, 1, 0])
  assert.deepEqual([...greeting(credentials)], [5, 2, 0, 2])
})

test('name and password are sent as UTF-8 of 1 to 255 bytes each', () => {
  assert.deepEqual(passwordRequest(credentials), Buffer.from('\x01\x03ana\x07s\xc3\xa9cret', 'latin1'))
  for (const [user, password] of [
    ['', 'x'],
    ['x', ''],
    ['x'.repeat(256), 'x'],
    ['x', 'é'.repeat(128)],
  ] as const)
    assert.throws(() => passwordRequest({ user, password }), RangeError)
})

const requests: [host: string, bytes: string][] = [
  ['a.test', '\x05\x01\x00\x03\x06a.test\x01\xbb'],
  ['192.0.2.1', '\x05\x01\x00\x01\xc0\x00\x02\x01\x01\xbb'],
  ['2001:db8::1', '\x05\x01\x00\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x01\xbb'],
]
for (const [host, bytes] of requests) {
  test(`${host} is asked for as what it is, unresolved`, () => {
    assert.equal(connectRequest(host, 443).toString('latin1'), bytes)
  })
}

test('a name that does not fit is not sent', () => {
  for (const host of ['', 'x'.repeat(256)]) assert.throws(() => connectRequest(host, 443), RangeError)
})

const bound4 = '\x01\x7f\x00\x00\x01\x1f\x90'
const replies: [what: string, parse: (bytes: Buffer) => Parsed<unknown>, bytes: string, value: unknown][] = [
  ['no authentication', chosenMethod, '\x05\x00', 'none'],
  ['a password', chosenMethod, '\x05\x02', 'password'],
  ['no method', chosenMethod, '\x05\xff', 'no-method'],
  ['a password that is taken', passwordAccepted, '\x01\x00', true],
  ['a password that is not', passwordAccepted, '\x01\x01', false],
  ['success with an IPv4 address', connectReply, `\x05\x00\x00${bound4}`, opened],
  ['success with an IPv6 address', connectReply, `\x05\x00\x00\x04${'\x00'.repeat(16)}\x1f\x90`, opened],
  ['success with a name', connectReply, '\x05\x00\x00\x03\x03abc\x1f\x90', opened],
  ['success with an empty name', connectReply, '\x05\x00\x00\x03\x00\x1f\x90', opened],
]
for (const [what, parse, bytes, value] of replies) {
  test(`${what} is read at its last byte, not before, and leaves what follows`, () => {
    for (let cut = 0; cut < bytes.length; cut += 1) {
      assert.deepEqual(parse(Buffer.from(bytes.slice(0, cut), 'latin1')), { kind: 'more' })
    }
    for (const rest of ['', 'SSH-2.0']) {
      const parsed = parse(Buffer.from(bytes + rest, 'latin1'))
      assert.deepEqual(parsed, { kind: 'done', value, length: bytes.length })
    }
  })
}

const refusals: [code: number, words: string][] = [
  [1, 'general failure'],
  [2, 'not allowed by its rules'],
  [3, 'network unreachable'],
  [4, 'host unreachable'],
  [5, 'connection refused'],
  [6, 'time to live expired'],
  [7, 'command not supported'],
  [8, 'address type not supported'],
  [9, 'code 9'],
  [255, 'code 255'],
]
for (const [code, words] of refusals) {
  test(`a reply of ${code} is "${words}", also when the server says no more than that`, () => {
    for (const rest of ['', '\x00', `\x00${bound4}`]) {
      const parsed = connectReply(Buffer.from(`\x05${String.fromCharCode(code)}${rest}`, 'latin1'))
      assert.ok(parsed.kind === 'done')
      assert.equal(parsed.value, words)
    }
  })
}

const nonsense: [parse: (bytes: Buffer) => Parsed<unknown>, bytes: string][] = [
  [chosenMethod, '\x04'],
  [chosenMethod, 'HTTP/1.1 400'],
  [chosenMethod, '\x05\x01'],
  [passwordAccepted, '\x05\x00'],
  [connectReply, '\x04'],
  [connectReply, '\x05\x00\x01'],
  [connectReply, '\x05\x00\x00\x02xx'],
]
for (const [parse, bytes] of nonsense) {
  test(`${JSON.stringify(bytes)} is no answer to ${parse.name}`, () => {
    assert.throws(() => parse(Buffer.from(bytes, 'latin1')), RangeError)
  })
}

test('whatever comes is read or refused, and never read past its end', () => {
  for (const parse of [chosenMethod, passwordAccepted, connectReply]) {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (some) => {
        try {
          const parsed = parse(Buffer.from([5, ...some]))
          if (parsed.kind === 'done') assert.ok(parsed.length <= some.length + 1)
        } catch (error) {
          assert.ok(error instanceof RangeError)
        }
      }),
    )
  }
})
