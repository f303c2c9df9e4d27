import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { chunkLine } from '../../src/http/chunk-line.ts'

const good: [line: string, size: number][] = [
  ['0\r\n', 0],
  ['a\r\n', 10],
  ['1F\r\n', 31],
  ['0000010\r\n', 16],
  ['5;name=value\r\n', 5],
  ['5;a="b c";d\r\n', 5],
  ['5 \t;a\r\n', 5],
  ['ffffffffffff\r\n', 2 ** 48 - 1],
]
for (const [line, size] of good) {
  test(`${JSON.stringify(line)} is the size ${size}, at every cut`, () => {
    const bytes = Buffer.from(`${line}rest`)
    for (let cut = 0; cut < line.length; cut += 1) {
      const read = chunkLine()
      assert.equal(read.push(bytes.subarray(0, cut), 0), cut)
      assert.equal(read.size, undefined)
      assert.equal(read.push(bytes, cut), line.length)
      assert.equal(read.size, size)
    }
  })
}

const bad: [why: string, line: string][] = [
  ['no size', '\r\n'],
  ['an extension without a size', ';a\r\n'],
  ['a sign', '+5\r\n'],
  ['a prefix', '0x5\r\n'],
  ['a letter', '5g\r\n'],
  ['a bare LF', '5\n'],
  ['a bare CR', '5\rx'],
  ['a bare LF in an extension', '5;a\n'],
  ['a space at its end', '5 \r\n'],
  ['a control character', '5;\0\r\n'],
  ['a size that is too large', '1000000000001\r\n'],
  ['an endless size', '0'.repeat(5_000)],
  ['an endless extension', `5;${'a'.repeat(5_000)}`],
]
for (const [why, line] of bad) {
  test(`a chunk line with ${why} breaks HTTP`, () => {
    assert.throws(() => chunkLine().push(Buffer.from(line), 0), { code: 'upstream_invalid' })
  })
}

test('every size is read back', () => {
  fc.assert(
    fc.property(fc.nat(), (size) => {
      const read = chunkLine()
      read.push(Buffer.from(`${size.toString(16)}\r\n`), 0)
      assert.equal(read.size, size)
    }),
  )
})
