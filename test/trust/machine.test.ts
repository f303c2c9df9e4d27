import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { thisMachine } from '../../src/trust/machine.ts'
import { tempFolder } from '../support/temp.ts'

const unix = { skip: process.platform === 'win32' && 'programs have other names on Windows' }

test('a program is found on the path, its links followed; a folder or a plain file is none', unix, () => {
  const dir = realpathSync(tempFolder('machine'))
  for (const [name, mode] of [
    ['tool', 0o755],
    ['notes', 0o644],
  ] as const) {
    writeFileSync(join(dir, name), '#!/bin/sh\n')
    chmodSync(join(dir, name), mode)
  }
  symlinkSync(join(dir, 'tool'), join(dir, 'link'))
  mkdirSync(join(dir, 'folder'))
  const machine = thisMachine({ PATH: `/nonexistent:${dir}`, HOME: dir })
  assert.equal(machine.program('link'), join(dir, 'tool'))
  assert.equal(machine.program(join(dir, 'tool')), join(dir, 'tool'))
  for (const name of ['notes', 'folder', 'missing', join(dir, 'missing')])
    assert.equal(machine.program(name), undefined)
  assert.deepEqual([...machine.list(dir)].sort(), ['folder', 'link', 'notes', 'tool'])
  assert.deepEqual(machine.list(join(dir, 'missing')), [])
  assert.equal(machine.home, dir)
})
