import assert from 'node:assert/strict'
import test from 'node:test'
import { pii } from '../../../src/inspect/hooks/pii.ts'
import { env, found, own } from '../../support/hooks.ts'

const text = 'mail ann@corp.example.com, key zk_9f27c1e40b86d53a'

test('personal data is found and secrets are not', () => {
  assert.deepEqual(found(pii.create({}, env), text), [['EMAIL', 'ann@corp.example.com']])
})

test('what is excluded is not found, be it a type or a rule', () => {
  assert.deepEqual(found(pii.create({ exclude: ['EMAIL'] }, env), text), [])
  assert.deepEqual(found(pii.create({ exclude: ['email'] }, env), text), [])
  assert.deepEqual(found(pii.create({ types: ['EMAIL'], minConfidence: 1 }, env), text), [])
})

test('a secret is no type of personal data', () => {
  assert.throws(() => pii.create({ types: ['SECRET'] }, env), /there is no type "SECRET"/)
})

test('a number that is a whole message is taken only where the rule asks for little certainty', () => {
  for (const text of ['43083907-4344', 'K440821552', '2125550142']) {
    assert.deepEqual(found(pii.create({}, own), text), [], text)
    assert.equal(found(pii.create({ minConfidence: 0.3 }, own), text).length, 1, text)
  }
})
