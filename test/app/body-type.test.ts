import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bodyTypeOf } from '../../src/app/body-type.ts'

const cases: readonly [body: string, type: string][] = [
  ['{"model":"x"}', 'application/json'],
  ['\n [1]', 'application/json'],
  ['{"a":1}\n{"b":2}\n', 'application/x-ndjson'],
  ['{\n  "a": 1\n}\n{', 'application/json'],
  ['event: ping\ndata: {}\n\n', 'text/event-stream'],
  ['data: {}\n\n', 'text/event-stream'],
  [': hello\n\n', 'text/event-stream'],
  ['--frontier\r\nContent-Disposition: form-data\r\n', 'multipart/form-data; boundary="frontier"'],
  ['a=1&b=%20x', 'application/x-www-form-urlencoded'],
  ['dear sir = madam', 'text/plain'],
  ['', 'text/plain'],
]
for (const [body, type] of cases) {
  test(`${JSON.stringify(body)} is taken for ${type}`, () => assert.equal(bodyTypeOf(body), type))
}
