import assert from 'node:assert/strict'
import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { holdersOf, stillHolds } from '../../../src/proxy/process/holders.ts'
import { tempFolder } from '../../support/temp.ts'

/** A /proc: pid → the inodes of the sockets that it holds, at files 3 and up. */
function fakeProc(processes: Readonly<Record<string, readonly string[]>>): string {
  const proc = tempFolder('proc')
  for (const [pid, inodes] of Object.entries(processes)) {
    mkdirSync(join(proc, pid, 'fd'), { recursive: true })
    symlinkSync('/dev/null', join(proc, pid, 'fd', '0'))
    for (const [i, inode] of inodes.entries()) symlinkSync(`socket:[${inode}]`, join(proc, pid, 'fd', String(i + 3)))
  }
  mkdirSync(join(proc, 'net'))
  return proc
}

const everything = { first: [], all: true, maxMs: 60_000 } as const
const still = () => 0

test('the process that holds a socket is found among all', () => {
  const proc = fakeProc({ 1: [], 20: ['5', '6'], 300: ['7'], self: ['6'] })
  const found = holdersOf(new Set(['6', '7', '8']), everything, { proc, worked: still })
  assert.deepEqual(
    [...found],
    [
      ['7', { pid: '300', file: '3' }],
      ['6', { pid: '20', file: '4' }],
    ],
  )
})

test('processes found lately come first, then those that started last', () => {
  const proc = fakeProc({ 5: ['9'], 40: ['9'], 300: ['9'] })
  const first = (pids: readonly string[]) =>
    holdersOf(new Set(['9']), { ...everything, first: pids }, { proc, worked: still }).get('9')?.pid
  assert.equal(first([]), '300')
  assert.equal(first(['5']), '5')
  assert.equal(first(['7', '40']), '40')
})

test('a narrow look leaves out those that started long ago, unless they were found lately', () => {
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [String(100 + i), []]))
  const proc = fakeProc({ ...many, 7: ['9'] })
  const narrow = { ...everything, all: false }
  assert.equal(holdersOf(new Set(['9']), narrow, { proc, worked: still }).size, 0)
  assert.equal(holdersOf(new Set(['9']), { ...narrow, first: ['7'] }, { proc, worked: still }).size, 1)
  assert.equal(holdersOf(new Set(['9']), everything, { proc, worked: still }).size, 1)
})

test('a look ends when its time is over', () => {
  const proc = fakeProc({ 1: ['9'], 300: ['1', '2', '3'] })
  let clock = 0
  const worked = () => (clock += 1)
  assert.equal(holdersOf(new Set(['9']), { ...everything, maxMs: 2 }, { proc, worked }).size, 0)
  assert.equal(holdersOf(new Set(['9']), { ...everything, maxMs: 50 }, { proc, worked }).size, 1)
})

test('whether a process still holds a socket is asked anew', () => {
  const proc = fakeProc({ 1: ['9'] })
  const holder = { pid: '1', file: '3' }
  assert.equal(stillHolds(holder, '9', proc), true)
  assert.equal(stillHolds(holder, '8', proc), false)
  rmSync(join(proc, '1'), { recursive: true })
  assert.equal(stillHolds(holder, '9', proc), false)
})
