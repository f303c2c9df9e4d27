import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SallyportError } from '../../src/core/errors.ts'
import { readResponseHead, readTrailers } from '../../src/http/response-head.ts'

const head = (lines: string, method = 'GET') => readResponseHead(`${lines.replaceAll('\n', '\r\n')}\r\n`, method)

test('a head keeps the order, case and duplicates of its fields', () => {
  const { head: read } = head(
    'HTTP/1.1 200 All  right\nSet-Cookie: a=1\nX-UPPER:\t v \t\nset-cookie: b=2\nempty:\nodd: a:b',
  )
  assert.deepEqual(read, {
    status: 200,
    reason: 'All  right',
    headers: ['Set-Cookie', 'a=1', 'X-UPPER', 'v', 'set-cookie', 'b=2', 'empty', '', 'odd', 'a:b'],
    version: '1.1',
  })
})

test('a reason may be empty, and its space may be missing', () => {
  for (const line of ['HTTP/1.1 204 ', 'HTTP/1.1 204']) assert.equal(head(line).head.reason, '')
})

type Case = [lines: string, method: string, framing: object]
const framings: Case[] = [
  ['HTTP/1.1 200 OK\nContent-Length: 12', 'GET', { kind: 'length', length: 12 }],
  ['HTTP/1.1 200 OK\nContent-Length: 0', 'POST', { kind: 'length', length: 0 }],
  ['HTTP/1.1 200 OK\nTransfer-Encoding: Chunked', 'GET', { kind: 'chunked' }],
  ['HTTP/1.1 200 OK', 'GET', { kind: 'close' }],
  ['HTTP/1.1 200 OK\nContent-Length: 12', 'HEAD', { kind: 'none' }],
  ['HTTP/1.1 304 Not Modified\nContent-Length: 12', 'GET', { kind: 'none' }],
  ['HTTP/1.1 204 No Content\nTransfer-Encoding: chunked', 'GET', { kind: 'none' }],
  ['HTTP/1.1 103 Early Hints', 'GET', { kind: 'none' }],
]
for (const [lines, method, framing] of framings) {
  test(`the body of ${JSON.stringify(lines)} to ${method} is framed by ${JSON.stringify(framing)}`, () => {
    assert.deepEqual(head(lines, method).framing, framing)
  })
}

const persistences: [lines: string, persistent: boolean][] = [
  ['HTTP/1.1 200 OK\nContent-Length: 1', true],
  ['HTTP/1.1 200 OK\nContent-Length: 1\nConnection: close', false],
  ['HTTP/1.1 200 OK\nContent-Length: 1\nConnection: x-thing, Close', false],
  ['HTTP/1.0 200 OK\nContent-Length: 1', false],
  ['HTTP/1.0 200 OK\nContent-Length: 1\nConnection: Keep-Alive', true],
  ['HTTP/1.1 200 OK', false],
  ['HTTP/1.1 204 No Content', true],
  ['HTTP/1.1 204 No Content\nContent-Length: 5', false],
  ['HTTP/1.1 204 No Content\nTransfer-Encoding: chunked', false],
]
for (const [lines, persistent] of persistences) {
  test(`after ${JSON.stringify(lines)} the connection is ${persistent ? 'kept' : 'not kept'}`, () => {
    assert.equal(head(lines).persistent, persistent)
  })
}

test('equal duplicates of Content-Length become one field', () => {
  for (const lines of ['A: b\nContent-Length: 7\nContent-Length: 7\nC: d', 'A: b\nContent-Length: 7, 7\nC: d']) {
    const read = head(`HTTP/1.1 200 OK\n${lines}`)
    assert.deepEqual(read.framing, { kind: 'length', length: 7 })
    assert.deepEqual(read.head.headers, ['A', 'b', 'Content-Length', '7', 'C', 'd'])
  }
})

test('the Keep-Alive hint is read', () => {
  assert.equal(head('HTTP/1.1 200 OK\nKeep-Alive: timeout=5, max=100').keepAliveMs, 5_000)
  assert.equal(head('HTTP/1.1 200 OK\nKeep-Alive: max=100').keepAliveMs, undefined)
})

const faults: [why: string, text: string, message: RegExp][] = [
  ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n', /status line/],
  ['another version', 'HTTP/2.0 200 OK\r\n', /status line/],
  ['a newer minor version', 'HTTP/1.2 200 OK\r\n', /status line/],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\n', /status/],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\n', /status/],
  ['a status below 100', 'HTTP/1.1 099 OK\r\n', /status/],
  ['a status that is no number', 'HTTP/1.1 2x0 OK\r\n', /status/],
  ['an empty line', '\r\nHTTP/1.1 200 OK\r\n', /status line/],
  ['a bare LF', 'HTTP/1.1 200 OK\r\nA: b\nC: d\r\n', /CRLF/],
  ['a bare CR', 'HTTP/1.1 200 OK\r\nA: b\rC: d\r\n', /CRLF/],
  ['a NUL', 'HTTP/1.1 200 OK\r\nA: b\0\r\n', /control/],
  ['a control character', 'HTTP/1.1 200 O\x01K\r\n', /control/],
  ['a folded line', 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\n', /folded/],
  ['a space before the colon', 'HTTP/1.1 200 OK\r\nA : b\r\n', /field name/],
  ['a line without a colon', 'HTTP/1.1 200 OK\r\nAb\r\n', /field name/],
  ['no name', 'HTTP/1.1 200 OK\r\n: b\r\n', /field name/],
  ['differing lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n', /two values/],
  ['differing lengths in a list', 'HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n', /two values/],
  ['a negative length', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n', /not a number/],
  ['an empty length', 'HTTP/1.1 200 OK\r\nContent-Length:\r\n', /not a number/],
  ['a huge length', 'HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999\r\n', /not a number/],
  ['both framings', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n', /with Content-Length/],
  ['another coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n', /other than chunked/],
  ['chunked twice', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', /other than/],
  ['chunked in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n', /HTTP\/1.0/],
]
for (const [why, text, message] of faults) {
  test(`${why} breaks HTTP`, () => {
    assert.throws(
      () => readResponseHead(text, 'GET'),
      (error) => error instanceof SallyportError && error.code === 'upstream_invalid' && message.test(error.message),
    )
  })
}

test('trailers are fields, but none that frames the message', () => {
  assert.deepEqual(readTrailers('\r\nGrpc-Status: 0\r\nX: y\r\n', 2), ['Grpc-Status', '0', 'X', 'y'])
  for (const field of ['content-length: 3', 'Transfer-Encoding: chunked', 'a: \x7f']) {
    assert.throws(() => readTrailers(`\r\n${field}\r\n`, 2), { code: 'upstream_invalid' })
  }
})
