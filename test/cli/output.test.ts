import assert from 'node:assert/strict'
import { PassThrough, Readable, Writable } from 'node:stream'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Io } from '../../src/cli/command.ts'
import { jsonLine, painter, printable, printJson, printLines, printTable, write } from '../../src/cli/output.ts'
import { sink } from '../support/command-line.ts'

function ioWith(options: { isTTY?: boolean; env?: Record<string, string> } = {}) {
  const out = sink({ isTTY: options.isTTY })
  const io: Io = {
    stdin: Readable.from([]),
    stdout: out.stream,
    stderr: new PassThrough(),
    env: options.env ?? {},
    cwd: '/',
  }
  return { io, text: out.text }
}

const rows = [
  { name: 'a', size: 5, host: null },
  { name: '日本', size: 12_345, host: 'x.example' },
]
const columns = [
  { title: 'NAME', of: (row: (typeof rows)[number]) => row.name },
  { title: 'SIZE', of: (row: (typeof rows)[number]) => row.size, align: 'right' as const },
  { title: 'HOST', of: (row: (typeof rows)[number]) => row.host },
]

test('columns of a table are aligned, wide characters counted as two', async () => {
  const { io, text } = ioWith()
  await printTable(io, columns, rows)
  assert.equal(text(), ['NAME   SIZE  HOST', 'a         5  -', '日本  12345  x.example', ''].join('\n'))
})

test('a table without rows is nothing', async () => {
  const { io, text } = ioWith()
  await printTable(io, columns, [])
  assert.equal(text(), '')
})

const dangerous: [string, string][] = [
  ['\u001B[31mred', '\\u001b[31mred'],
  ['line\nbreak\rback', 'line\\nbreak\\u000dback'],
  ['\u009B31m', '\\u009b31m'],
  ['a\u202Eb', 'a\\u202eb'],
  ['tab\tstays', 'tab\tstays'],
]

for (const [text, shown] of dangerous) {
  test(`${JSON.stringify(text)} is printed so that no terminal obeys it`, async () => {
    assert.equal(printable(text), shown)
    const { io, text: printed } = ioWith()
    await printLines(io, [text])
    assert.equal(printed(), `${shown}\n`)
  })
}

test('a line of JSON has no control character in it and reads back the same', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const line = jsonLine({ text })
      assert.doesNotMatch(line, /[\u0000-\u001F\u007F-\u009F\u2028-\u202E]/)
      assert.deepEqual(JSON.parse(line), { text })
    }),
  )
})

test('values are printed as JSON lines', async () => {
  const { io, text } = ioWith()
  await printJson(io, { a: 1 }, ['b'])
  assert.equal(text(), '{"a":1}\n["b"]\n')
})

const colours: [string, { isTTY?: boolean; env?: Record<string, string> }, boolean][] = [
  ['on a terminal', { isTTY: true }, true],
  ['in a pipe', {}, false],
  ['on a terminal with NO_COLOR', { isTTY: true, env: { NO_COLOR: '1' } }, false],
  ['on a terminal with an empty NO_COLOR', { isTTY: true, env: { NO_COLOR: '' } }, true],
  ['on a dumb terminal', { isTTY: true, env: { TERM: 'dumb' } }, false],
]

for (const [where, options, expected] of colours) {
  test(`there are ${expected ? '' : 'no '}colours ${where}`, () => {
    const { io } = ioWith(options)
    assert.equal(painter(io.stdout, io.env)('red', 'x') !== 'x', expected)
  })
}

test('writing waits for a slow reader, and ends when the reader is gone', async () => {
  const steps: string[] = []
  const slow = new Writable({
    highWaterMark: 1,
    write: (_chunk, _encoding, done) => {
      setImmediate(() => {
        steps.push('read')
        done()
      })
    },
  })
  await write(slow, 'abc')
  steps.push('written')
  assert.deepEqual(steps, ['read', 'written'])
  const gone = new Writable({ highWaterMark: 1, write: (_chunk, _encoding, done) => done(new Error('EPIPE')) })
  gone.on('error', () => undefined)
  await write(gone, 'abc')
  assert.ok(gone.destroyed)
})
