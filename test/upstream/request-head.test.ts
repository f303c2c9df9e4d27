import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytesBody, madeBody } from '../../src/http/body.ts'
import { bareText, requestText, trailerText } from '../../src/upstream/request-head.ts'
import { requestTo, type Asked } from '../support/scripted-origin.ts'

const three = bytesBody(Buffer.from('abc'))
const unknown = madeBody(
  (async function* () {
    yield Buffer.from('abc')
  })(),
  undefined,
)

const texts: [what: string, asked: Asked, lines: string[]][] = [
  [
    'fields keep order, case and duplicates',
    { headers: ['b', '1', 'HOST', 'X', 'B', '2'] },
    ['b: 1', 'HOST: X', 'B: 2'],
  ],
  [
    "the hop's own fields stay behind",
    { headers: ['Host', 'x', 'Connection', 'x-hop', 'X-Hop', '1', 'TE', 'gzip', 'Proxy-Authorization', 'Basic x'] },
    ['Host: x'],
  ],
  ['a request without Host gets one, first', { headers: ['a', 'b'] }, ['Host: origin.test:8080', 'a: b']],
  [
    'a given length stands where it stood',
    { method: 'POST', headers: ['Host', 'x', 'content-LENGTH', '3', 'a', 'b'], body: three },
    ['Host: x', 'content-LENGTH: 3', 'a: b'],
  ],
  [
    'a length that is not true any more is mended',
    { method: 'POST', headers: ['Host', 'x', 'Content-Length', '9', 'a', 'b'], body: three },
    ['Host: x', 'Content-Length: 3', 'a: b'],
  ],
  [
    'a second length is left out',
    { method: 'POST', headers: ['Host', 'x', 'Content-Length', '3', 'content-length', '3'], body: three },
    ['Host: x', 'Content-Length: 3'],
  ],
  [
    'a known length is added',
    { method: 'POST', headers: ['Host', 'x'], body: three },
    ['Host: x', 'Content-Length: 3'],
  ],
  [
    'an unknown length makes chunks',
    {
      method: 'POST',
      headers: ['Host', 'x', 'Transfer-Encoding', 'chunked', 'Content-Length', '3', 'a', 'b'],
      body: unknown,
    },
    ['Host: x', 'a: b', 'Transfer-Encoding: chunked'],
  ],
  [
    'without a body only a length of nothing is passed on',
    { method: 'POST', headers: ['Host', 'x', 'Content-Length', '0'] },
    ['Host: x', 'Content-Length: 0'],
  ],
  [
    'who takes trailers is said to, and no other coding is asked for',
    { headers: ['te', 'deflate;q=0.5, Trailers', 'Host', 'x', 'connection', 'te'] },
    ['Host: x', 'TE: trailers', 'Connection: TE'],
  ],
  ['without trailers TE is not sent', { headers: ['Host', 'x', 'TE', 'deflate'] }, ['Host: x']],
  ['without a body another length is not', { headers: ['Host', 'x', 'Content-Length', '3'] }, ['Host: x']],
]
for (const [what, asked, lines] of texts) {
  test(what, () => {
    const { text, chunked } = requestText(requestTo(8080, asked))
    assert.equal(text, `${asked.method ?? 'GET'} / HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`)
    assert.equal(chunked, asked.body === unknown)
  })
}

test('100 is waited for only when there is a body', () => {
  const headers = ['Host', 'x', 'Expect', '100-Continue']
  assert.equal(requestText(requestTo(80, { method: 'POST', headers, body: three })).expects, true)
  assert.equal(requestText(requestTo(80, { headers })).expects, false)
  assert.equal(requestText(requestTo(80, { method: 'POST', headers, body: '' })).expects, false)
  assert.equal(
    requestText(requestTo(80, { method: 'POST', headers: ['Host', 'x', 'Expect', 'else'], body: three })).expects,
    false,
  )
})

test('the authority has brackets where it must and no usual port', () => {
  for (const [host, port, authority] of [
    ['a.test', 80, 'a.test'],
    ['a.test', 443, 'a.test:443'],
    ['::1', 8080, '[::1]:8080'],
  ] as const) {
    assert.match(
      requestText(requestTo(port, { host, headers: [] })).text,
      new RegExp(`\\r\\nHost: ${authority.replaceAll(/[[\]]/g, '\\$&')}\\r\\n`),
    )
  }
})

const refused: [what: string, asked: Asked][] = [
  ['a line end in a value', { headers: ['Host', 'x', 'a', 'b\r\nc: d'] }],
  ['a line feed in a value', { headers: ['Host', 'x', 'a', 'b\nc'] }],
  ['a NUL in a value', { headers: ['Host', 'x', 'a', '\0'] }],
  ['a character that latin1 would cut to a line feed', { headers: ['Host', 'x', 'a', '\u010a'] }],
  ['a space in a name', { headers: ['Host', 'x', 'a b', 'c'] }],
  ['an empty name', { headers: ['Host', 'x', '', 'c'] }],
  ['a space in the target', { path: '/a b' }],
  ['a line end in the target', { path: '/a\r\nb' }],
  ['an empty target', { path: '' }],
  ['a space in the method', { method: 'GET /x' }],
]
for (const [what, asked] of refused) {
  test(`${what} is never written`, () => {
    assert.throws(() => requestText(requestTo(80, asked)), { code: 'malformed_request' })
    assert.throws(() => bareText(requestTo(80, asked), asked.headers ?? []), { code: 'malformed_request' })
  })
}

test('a bare head has exactly the given fields', () => {
  assert.equal(
    bareText(requestTo(80, { path: '/ws' }), ['host', 'x', 'Connection', 'Upgrade', 'Upgrade', 'websocket']),
    'GET /ws HTTP/1.1\r\nhost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  )
})

test('trailers do not frame or address', () => {
  assert.equal(trailerText([]), '\r\n')
  assert.equal(
    trailerText(['X-Sum', '1', 'Content-Length', '5', 'Host', 'x', 'Transfer-Encoding', 'chunked']),
    'X-Sum: 1\r\n\r\n',
  )
  assert.throws(() => trailerText(['a', '\n']), { code: 'malformed_request' })
})

const absolute: [asked: Asked, line: string][] = [
  [{ path: '/a?b=c', host: 'origin.test' }, 'GET http://origin.test:8080/a?b=c HTTP/1.1'],
  [{ path: '/', host: '2001:db8::1' }, 'GET http://[2001:db8::1]:8080/ HTTP/1.1'],
  [{ path: '*', method: 'OPTIONS' }, 'OPTIONS http://origin.test:8080 HTTP/1.1'],
]
for (const [asked, line] of absolute) {
  test(`to a proxy, the target is ${line}, with the proxy's fields at the end`, () => {
    const headers = ['Host', 'x', 'a', 'b', 'Proxy-Authorization', 'of the client']
    const { text } = requestText(requestTo(8080, { ...asked, headers }), { fields: ['Proxy-Authorization', 'ours'] })
    assert.equal(text, `${line}\r\nHost: x\r\na: b\r\nProxy-Authorization: ours\r\n\r\n`)
  })
}
