import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memberNames } from '../../src/providers/member-names.ts'

const body = '{"[X]":1,"a":{"b":2}}'
const object = { start: 0, end: body.length }
const place = { start: 1, end: 4, spelling: ['json'], object } as const

test('a name that is taken gets a number, and each object has its own', () => {
  const names = memberNames(body)
  assert.equal(names(place, 'Y'), undefined)
  assert.equal(names(place, 'Y'), 'Y 2')
  assert.equal(names(place, 'Y'), 'Y 3')
  assert.equal(names(place, '[X]'), '[X] 2')
  assert.equal(names({ ...place, object: { start: 13, end: 20 } }, '[X]'), undefined)
  assert.equal(names({ start: 1, end: 4, spelling: ['json'] }, 'Y'), undefined)
})
