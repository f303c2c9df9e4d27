import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { acceptOf, agreed, answersKey } from '../../src/http/websocket-handshake.ts'

test('a key is answered as RFC 6455 (1.3) has it', () => {
  assert.equal(acceptOf('dGhlIHNhbXBsZSBub25jZQ=='), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
})

const request = ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ==']
const accept = ['sec-websocket-accept', 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=']
const upgrade = ['Upgrade', 'WebSocket']
const answers: [what: string, request: string[], answer: string[], expected: boolean][] = [
  ['the right accept', request, [...upgrade, ...accept], true],
  ['no accept', request, upgrade, false],
  ['another accept', request, [...upgrade, 'Sec-WebSocket-Accept', 'x'], false],
  ['two accepts', request, [...upgrade, ...accept, ...accept], false],
  ['another protocol', request, ['Upgrade', 'h2c', ...accept], false],
  ['no key to answer', [], [...upgrade, ...accept], false],
]
for (const [what, asked, answer, expected] of answers)
  test(`a 101 with ${what} ${expected ? 'answers' : 'does not answer'}`, () =>
    assert.equal(answersKey(asked, answer), expected))

const full = { bits: 15, takeover: true }
const plain = { kind: 'plain' }
const deflate = (up = full, down = full) => ({ kind: 'deflate', deflate: { up, down } })
const extensions: [offer: string | undefined, answer: string | undefined, expected: unknown][] = [
  [undefined, undefined, plain],
  ['permessage-deflate', undefined, plain],
  ['permessage-deflate', '', plain],
  ['permessage-deflate', 'permessage-deflate', deflate()],
  ['permessage-deflate', 'PerMessage-Deflate', deflate()],
  ['foo, permessage-deflate; client_max_window_bits', 'permessage-deflate', deflate()],
  [
    'permessage-deflate',
    'permessage-deflate; server_no_context_takeover',
    deflate(full, { bits: 15, takeover: false }),
  ],
  ['permessage-deflate', 'permessage-deflate;client_no_context_takeover', deflate({ bits: 15, takeover: false })],
  [
    'permessage-deflate; client_max_window_bits',
    'permessage-deflate; client_max_window_bits=8 ; server_max_window_bits="10"',
    deflate({ bits: 8, takeover: true }, { bits: 10, takeover: true }),
  ],
  [
    'permessage-deflate, permessage-deflate; client_max_window_bits=12',
    'permessage-deflate; client_max_window_bits=12',
    deflate({ bits: 12, takeover: true }),
  ],
  ['permessage-deflate', 'permessage-deflate; client_max_window_bits=12', 'invalid'],
  ['permessage-deflate', 'permessage-deflate; server_max_window_bits=7', 'invalid'],
  ['permessage-deflate', 'permessage-deflate; server_max_window_bits=16', 'invalid'],
  ['permessage-deflate', 'permessage-deflate; server_max_window_bits=08', 'invalid'],
  ['permessage-deflate', 'permessage-deflate; server_max_window_bits', 'invalid'],
  ['permessage-deflate', 'permessage-deflate; server_no_context_takeover=1', 'invalid'],
  ['permessage-deflate', 'permessage-deflate; level=9', 'invalid'],
  ['permessage-deflate', 'permessage-deflate; server_max_window_bits=9; server_max_window_bits=10', 'invalid'],
  ['permessage-deflate', 'permessage-deflate, permessage-deflate', 'invalid'],
  ['permessage-deflate', 'x-other', 'invalid'],
  [undefined, 'permessage-deflate', 'invalid'],
  ['permessage-deflate, x-other', 'permessage-deflate, y-other', 'invalid'],
  ['permessage-deflate', '"', 'invalid'],
  ['permessage-deflate', 'permessage-deflate foo', 'invalid'],
  ['x-other; a=1', 'x-other; a=1', { kind: 'unknown', name: 'x-other' }],
  ['permessage-deflate, x-other', 'permessage-deflate, x-other', { kind: 'unknown', name: 'x-other' }],
  ['x-other; a="b c"', 'permessage-deflate', 'invalid'],
  ['x-other ; a="b" ; d , permessage-deflate', 'permessage-deflate', deflate()],
]
for (const [offer, answer, expected] of extensions) {
  test(`to the offer "${offer ?? 'none'}" the answer "${answer ?? 'none'}" is understood`, () => {
    const fields = (value: string | undefined) => (value === undefined ? [] : ['Sec-WebSocket-Extensions', value])
    const found = agreed(fields(offer), fields(answer))
    if (expected === 'invalid') assert.equal(found.kind, 'invalid')
    else assert.deepEqual(found, expected)
  })
}

test('extensions in several fields are one list', () => {
  const field = 'Sec-WebSocket-Extensions'
  assert.deepEqual(agreed([field, 'a', field, 'b'], [field, 'b', field, 'a']), { kind: 'unknown', name: 'b' })
})

test('no value makes it throw or go on for long', () => {
  const value = fc.oneof(
    fc.string({ maxLength: 200 }),
    fc
      .array(fc.constantFrom('permessage-deflate', ';', ',', ' ', '=', '"', 'client_max_window_bits', '9'), {
        maxLength: 30,
      })
      .map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(value, value, (a, b) => void agreed(['Sec-WebSocket-Extensions', a], ['Sec-WebSocket-Extensions', b])),
  )
  const long = [
    ' ;'.repeat(30_000),
    ' '.repeat(60_000),
    `;${' '.repeat(60_000)}`,
    `;b${' '.repeat(60_000)}`,
    ';"" '.repeat(15_000),
  ]
  for (const some of long) agreed([], ['Sec-WebSocket-Extensions', `a${some}"`])
})
