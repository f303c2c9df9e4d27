import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withOneCookie } from '../../src/upstream/cookies.ts'
import { requestTo } from '../support/scripted-origin.ts'

test('cookies that HTTP/2 split are one field again, where the first stood', () => {
  const headers = ['host', 'a', 'cookie', 'a=1', 'x', '1', 'Cookie', 'b=2', 'cookie', 'c=3; d=4']
  assert.deepEqual(withOneCookie(requestTo(1, { version: '2', headers })).head.headers, [
    'host',
    'a',
    'cookie',
    'a=1; b=2; c=3; d=4',
    'x',
    '1',
  ])
})

test('a request of HTTP/1.1, or with one cookie field, stays as it is', () => {
  for (const request of [
    requestTo(1, { version: '1.1', headers: ['cookie', 'a', 'cookie', 'b'] }),
    requestTo(1, { version: '2', headers: ['cookie', 'a'] }),
  ])
    assert.equal(withOneCookie(request), request)
})
