import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headText } from '../../src/http/answering.ts'

// Sending is tested with its server, in serve1.test.ts.
test('a head is its first line, its fields as they are, and an empty line', () => {
  assert.equal(
    headText('HTTP/1.1 103 Early Hints', ['Link', '</a>', 'x-B', '']),
    'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nx-B: \r\n\r\n',
  )
  assert.equal(headText('HTTP/1.1 100 Continue', []), 'HTTP/1.1 100 Continue\r\n\r\n')
})
