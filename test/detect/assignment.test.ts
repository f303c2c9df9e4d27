import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assignmentBefore, isQuoted, isShellVariable } from '../../src/detect/assignment.ts'

const at = (before: string) => ({ text: `${before}value`, start: before.length, end: before.length + 5 })

test('the name before a value is found through signs, quotation marks and words that are none', () => {
  const cases: [before: string, name: string, sign: string, opener: string][] = [
    ['const db.password = "', 'db.password', ' = "', 't'],
    ['set("password", "', 'password', '", "', '('],
    ["['a', 'password', '", 'password', "', '", ','],
    ['DB_PASS=', 'DB_PASS', '=', ','],
    ['the password is ', 'password', ' is ', 'e'],
    ['token String = r"', 'token', ' String = r"', ','],
    ['', '', '', ','],
    ['>'.repeat(40), '', '>'.repeat(32), '>'],
  ]
  for (const [before, name, sign, opener] of cases)
    assert.deepEqual(assignmentBefore(at(before)), { name, sign, opener }, before)
})

test('a name is followed for 64 characters', () => {
  assert.equal(assignmentBefore(at(`${'n'.repeat(100)}=`)).name.length, 64)
})

test('values in quotation marks and those of shell variables are told', () => {
  assert.equal(isQuoted(at('a="')), true)
  assert.equal(isQuoted(at('a=')), false)
  assert.equal(isQuoted(at('')), false)
  assert.equal(isShellVariable(assignmentBefore(at('export DB_PASS='))), true)
  for (const before of ['DB_PASS = ', 'db_pass=', 'DB_PASS="'])
    assert.equal(isShellVariable(assignmentBefore(at(before))), false, before)
})
