import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SallyportError, asSallyportError, errorCodes } from '../../src/core/errors.ts'

test('every code has a status that HTTP knows or none, a meaning and a hint', () => {
  for (const [code, { status, meaning, hint }] of Object.entries(errorCodes)) {
    assert.match(code, /^[a-z][a-z_]+$/)
    assert.ok(status === 0 || (status >= 400 && status < 600), code)
    assert.ok(meaning.endsWith('.') && hint.endsWith('.'), code)
  }
})

test('an error takes status and hint from the table, and a hint of its own wins', () => {
  const error = new SallyportError('upstream_timeout', 'too slow')
  assert.equal(error.status, 504)
  assert.equal(error.hint, errorCodes.upstream_timeout.hint)
  assert.equal(new SallyportError('upstream_timeout', 'x', { hint: 'other' }).hint, 'other')
})

test('what is thrown and not ours becomes an internal error that keeps its cause and not its message', () => {
  const cause = new Error('a secret')
  const error = asSallyportError(cause)
  assert.equal(error.code, 'internal_error')
  assert.equal(error.cause, cause)
  assert.ok(!error.message.includes('secret'))
  assert.equal(asSallyportError(error), error)
})
