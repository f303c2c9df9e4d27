import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { closePayload, readClose } from '../../src/http/websocket-close.ts'

const may = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]
const mayNot = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535]

test('codes that may be sent are read with their reason, and others are 1002', () => {
  for (const code of may)
    assert.deepEqual(readClose(closePayload(code, 'caf\u00e9')), { kind: 'close', code, reason: 'caf\u00e9' })
  for (const code of mayNot) {
    const read = readClose(closePayload(code, 'x'))
    assert.equal(read.kind === 'invalid' && read.close, 1002, String(code))
  }
})

test('an empty payload has no code, one byte is 1002, and a reason that is not UTF-8 is 1007', () => {
  assert.deepEqual(readClose(Buffer.alloc(0)), { kind: 'close', code: undefined, reason: '' })
  for (const [bytes, close] of [
    [[3], 1002],
    [[3, 232, 0xff], 1007],
    [[3, 232, 0xc3], 1007],
  ] as const) {
    const read = readClose(Buffer.from(bytes))
    assert.equal(read.kind === 'invalid' && read.close, close)
  }
})

test('a close payload fits a control frame, and is cut at a character', () => {
  assert.equal(closePayload(1008, 'x'.repeat(500)).length, 125)
  assert.equal(closePayload(1008, '\u20ac'.repeat(50)).toString('utf8', 2), '\u20ac'.repeat(41))
  assert.equal(closePayload(1008, `x${'\u20ac'.repeat(50)}`).toString('utf8', 2), `x${'\u20ac'.repeat(40)}`)
})

test('no bytes make it throw', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 125 }), (bytes) => void readClose(Buffer.from(bytes))))
})
