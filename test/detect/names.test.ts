import assert from 'node:assert/strict'
import { test } from 'node:test'
import { names } from '../../src/detect/names.ts'

test('words for anybody and labels are no names of persons', () => {
  for (const name of ['Dora Finch', 'Jürgen Groß', 'Inés de la Peña']) assert.equal(names.person(name), true, name)
  for (const name of ['Customer', 'Sir', 'Hiring Manager', 'Sales Team', 'HTTP']) {
    assert.equal(names.person(name), false, name)
  }
})

test('a name is of a host by its labels, or by what it is used for', () => {
  const cases: [before: string, name: string, after: string, holds: boolean][] = [
    ['', 'db-01.prod.internal', '', true],
    ['at ', 'wiki.corp', ' now', true],
    ['https://', 'wiki.local', '/x', true],
    ['ssh ', 'printer.lan', '', true],
    ['', 'printer.lan', ':445', true],
    ['', 'payments.shop.svc.cluster.local', '', true],
    ['', 'settings.local', ' = 1', false],
    ['import ', 'com.acme-2.internal', '', false],
    ['', 'state.local', '', false],
    ['', 'host.docker.internal', '', false],
    ['', 'Acme-2.Internal', '', false],
  ]
  for (const [before, name, after, holds] of cases) {
    const site = { text: before + name + after, start: before.length, end: before.length + name.length }
    assert.equal(names['host-name'](name, site), holds, before + name + after)
  }
})

test('a bank has a country', () => {
  assert.equal(names.bic('NHBKGB2L'), true)
  assert.equal(names.bic('NHBKGB2LXXX'), true)
  assert.equal(names.bic('PROTOCOL'), false)
})
