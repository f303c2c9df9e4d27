import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faultIn } from '../../src/http/validate.ts'

const host = ['Host', 'api.example.com']

test('an ordinary request has one reading', () => {
  assert.equal(faultIn('POST', '/v1/x?a=b', '1.1', [...host, 'Content-Length', '3']), undefined)
  assert.equal(faultIn('POST', '/v1/x', '1.1', [...host, 'Transfer-Encoding', 'chunked']), undefined)
  assert.equal(faultIn('GET', '/', '1.0', []), undefined)
  assert.equal(faultIn('OPTIONS', '*', '1.1', host), undefined)
  assert.equal(faultIn('GET', '/', '1.1', ['Host', '[::1]:8443']), undefined)
})

const faults: [string, Parameters<typeof faultIn>][] = [
  [
    'Transfer-Encoding with Content-Length',
    ['POST', '/', '1.1', [...host, 'Content-Length', '3', 'Transfer-Encoding', 'chunked']],
  ],
  ['two Content-Lengths', ['POST', '/', '1.1', [...host, 'Content-Length', '3', 'Content-Length', '3']]],
  ['a list of lengths', ['POST', '/', '1.1', [...host, 'Content-Length', '3, 3']]],
  ['a coding other than chunked', ['POST', '/', '1.1', [...host, 'Transfer-Encoding', 'gzip, chunked']]],
  ['two codings', ['POST', '/', '1.1', [...host, 'Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked']]],
  ['a coding with a tab', ['POST', '/', '1.1', [...host, 'Transfer-Encoding', '\tchunked']]],
  ['Transfer-Encoding in HTTP/1.0', ['POST', '/', '1.0', [...host, 'Transfer-Encoding', 'chunked']]],
  ['two Hosts', ['GET', '/', '1.1', [...host, 'host', 'b']]],
  ['no Host', ['GET', '/', '1.1', []]],
  ['a Host with user information', ['GET', '/', '1.1', ['Host', 'a@b']]],
  ['a Host with a path', ['GET', '/', '1.1', ['Host', 'a/b']]],
  ['two media types', ['POST', '/', '1.1', [...host, 'Content-Type', 'image/png', 'content-type', 'application/json']]],
  ['a fragment in HTTP/2', ['GET', '/a#b', '2', []]],
  ['* for GET', ['GET', '*', '1.1', host]],
  ['a fragment', ['GET', '/a#b', '1.1', host]],
  ['a disguised length', ['POST', '/', '1.1', [...host, 'Content_Length', '3']]],
  ['a NUL in a value', ['GET', '/', '1.1', [...host, 'X-A', 'a\0b']]],
]

for (const [name, request] of faults) {
  test(`${name} is refused`, () => {
    assert.equal(faultIn(...request)?.code, 'malformed_request')
  })
}
