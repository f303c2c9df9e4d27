import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SallyportError } from '../../src/core/errors.ts'
import { arrayEvents, lineEvents, sseEvents } from '../../src/providers/framing.ts'
import type { Framer } from '../../src/providers/framing.ts'

const framers = { sse: sseEvents, lines: lineEvents, array: arrayEvents }

test('cut anywhere, the events are the same and their bytes are the input', () => {
  const cases: [keyof typeof framers, string, string[]][] = [
    ['sse', 'data: 1\n\ndata: 2', ['data: 1\n\n', 'data: 2']],
    ['lines', '{"a":1}\r\n\n{"b":2}', ['{"a":1}\r\n', '\n', '{"b":2}']],
    ['array', '[{"a":"]}\\"}"}\n,\r\n{"b":[{}]}]\n', ['[{"a":"]}\\"}"}', '\n,\r\n{"b":[{}]}', ']', '\n']],
    ['array', ' {"error":{"a":[]}}\n', [' {"error":{"a":[]}}', '\n']],
    ['array', '[]', ['[]']],
    ['array', '[{"a":"', ['[{"a":"']],
  ]
  for (const [kind, text, events] of cases) {
    const bytes = Buffer.from(text)
    for (let cut = 0; cut <= bytes.length; cut++) {
      assert.deepEqual(
        all(framers[kind](1000), [bytes.subarray(0, cut), bytes.subarray(cut)]),
        events,
        `${kind} at ${cut}`,
      )
    }
  }
})

test('an event beyond the bound is refused, however it arrives', () => {
  for (const [kind, framer] of Object.entries(framers)) {
    const one = framer(10)
    assert.throws(
      () => {
        for (let i = 0; i < 20; i++) one.push(Buffer.from(i === 0 ? '[' : 'x'))
      },
      (thrown) => thrown instanceof SallyportError && thrown.code === 'sallyport_too_large',
      kind,
    )
  }
})

function all(framer: Framer, chunks: readonly Uint8Array[]): string[] {
  const events = chunks.flatMap((chunk) => framer.push(chunk))
  const rest = framer.end()
  return [...events, ...(rest === undefined ? [] : [rest])].map((bytes) => Buffer.from(bytes).toString())
}
