import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generic } from '../../src/providers/generic.ts'
import { aboutOf } from './samples/sample.ts'

const refusal = { code: 'sallyport_blocked', status: 403, message: 'blocked by <b>rule</b>' }

test('a refusal is HTML for who asks for it first, else JSON', () => {
  assert.match(
    generic.refuse({ ...refusal, accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }).contentType,
    /^text\/html/,
  )
  assert.match(generic.refuse({ ...refusal, accept: 'text/html' }).body, /&#60;b&#62;rule/)
  for (const accept of [undefined, '*/*', 'application/json, text/html', 'text/event-stream']) {
    assert.equal(
      generic.refuse({ ...refusal, ...(accept === undefined ? {} : { accept }) }).contentType,
      'application/json',
    )
  }
})

test('the error event has the framing of the stream', () => {
  assert.match(String(generic.refuseEvent(refusal)), /^event: error\ndata: .*\n\n$/)
  assert.match(String(generic.refuseEvent(refusal, aboutOf('unknown', '/', 'application/x-ndjson'))), /^\{.*\}\n$/)
})
