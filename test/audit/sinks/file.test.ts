import assert from 'node:assert/strict'
import { fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { file, type FileOptions } from '../../../src/audit/sinks/file.ts'
import { linesOf } from '../../../src/audit/sinks/lines.ts'
import { exchangeRow, exchangeRows, sinkContext } from '../../support/export-rows.ts'
import { tempFolder } from '../../support/temp.ts'

const forever = new AbortController().signal
const newPath = () => join(tempFolder('file-sink'), 'export.jsonl')
const open = (path: string, changes: Partial<FileOptions> = {}) =>
  file.create(
    { type: 'file', path, rotateBytes: 1_000_000, keep: 3, format: 'json', ...changes } as FileOptions,
    sinkContext,
  )
const LINE = Buffer.byteLength(linesOf([exchangeRow(1)], 'json', sinkContext)[0]?.text ?? '') + 1
const idsIn = (path: string): unknown[] => {
  const text = readFileSync(path, 'utf8')
  assert.ok(text === '' || text.endsWith('\n'), `${path} ends in the middle of a line`)
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { id: unknown }).id)
}
const ids = (...numbers: readonly number[]) => numbers.map((number) => exchangeRow(number).row.id)

test('lines are appended, to a file that nobody else may read', async () => {
  const path = newPath()
  const sink = open(path)
  await sink.send(exchangeRows(2), forever)
  await sink.send([exchangeRow(3)], forever)
  await sink.close()
  assert.deepEqual(idsIn(path), ids(1, 2, 3))
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('a file that is there keeps its lines and its mode', async () => {
  const path = newPath()
  writeFileSync(path, `${JSON.stringify({ id: 'old' })}\n`)
  chmodSync(path, 0o640)
  const sink = open(path)
  await sink.send([exchangeRow(1)], forever)
  await sink.close()
  assert.deepEqual(idsIn(path), ['old', ...ids(1)])
  assert.equal(statSync(path).mode & 0o777, 0o640)
})

const others: [string, (path: string) => void, number[]][] = [
  ['moved away', (path) => renameSync(path, `${path}-20261121`), [2]],
  ['removed', (path) => rmSync(path), [2]],
  ['emptied', (path) => truncateSync(path), [2]],
  ['replaced', (path) => (renameSync(path, `${path}.old`), writeFileSync(path, '')), [2]],
  ['left alone', () => {}, [1, 2]],
]

for (const [what, act, wanted] of others) {
  test(`a file that was ${what} in the meantime is gone on with under its name`, async () => {
    const path = newPath()
    const sink = open(path)
    await sink.send([exchangeRow(1)], forever)
    act(path)
    await sink.send([exchangeRow(2)], forever)
    await sink.close()
    assert.deepEqual(idsIn(path), ids(...wanted))
  })
}

test('a full file becomes .1, and so on up to those that are kept', async () => {
  const path = newPath()
  const sink = open(path, { rotateBytes: LINE * 2 + 10 })
  for (let number = 1; number <= 11; number++) await sink.send([exchangeRow(number)], forever)
  await sink.close()
  const files = ['export.jsonl', 'export.jsonl.1', 'export.jsonl.2', 'export.jsonl.3']
  assert.deepEqual(readdirSync(join(path, '..')).sort(), files)
  assert.deepEqual(
    files.map((name) => idsIn(join(path, '..', name))),
    [ids(11), ids(9, 10), ids(7, 8), ids(5, 6)],
  )
})

test('one delivery may fill several files, and a line that is too long has one of its own', async () => {
  const path = newPath()
  const sink = open(path, { rotateBytes: LINE * 2 + 10, keep: 9 })
  const long = exchangeRow(4, { request_body: 'x'.repeat(LINE * 4) })
  await sink.send([...exchangeRows(3), long, exchangeRow(5)], forever)
  await sink.close()
  assert.deepEqual(
    [3, 2, 1].map((number) => idsIn(`${path}.${number}`)),
    [ids(1, 2), ids(3), ids(4)],
  )
  assert.deepEqual(idsIn(path), ids(5))
})

test('a last line that is cut anywhere is cut off, and a whole one gets its end', async () => {
  const path = newPath()
  const first = `${linesOf([exchangeRow(1)], 'json', sinkContext)[0]?.text}\n`
  const second = JSON.stringify({ id: 'whole' })
  const cuts = [1, 2, 5, second.length - 1, second.length]
  for (const cut of cuts) {
    writeFileSync(path, first + second.slice(0, cut))
    const sink = open(path)
    await sink.send([exchangeRow(3)], forever)
    await sink.close()
    assert.deepEqual(idsIn(path), [...ids(1), ...(cut === second.length ? ['whole'] : []), ...ids(3)], `cut at ${cut}`)
  }
})

test('of a format that is no JSON a last line without its end is cut off', async () => {
  const path = newPath()
  const sink = open(path, { format: 'cef' })
  await sink.send([exchangeRow(1)], forever)
  await sink.close()
  const before = readFileSync(path, 'utf8')
  appendFileSync(path, before.slice(0, -1))
  const again = open(path, { format: 'cef' })
  await again.send([exchangeRow(1)], forever)
  await again.close()
  assert.equal(readFileSync(path, 'utf8'), before + before)
})

test('what cannot be written is no delivery, and goes on when it can', async () => {
  const folder = tempFolder('file-sink')
  const sink = open(join(folder, 'later', 'export.jsonl'))
  await assert.rejects(sink.send([exchangeRow(1)], forever), {
    name: 'SinkError',
    message: /ENOENT: the folder does not exist/,
  })
  mkdirSync(join(folder, 'later'))
  await sink.send([exchangeRow(1)], forever)
  await sink.close()
  assert.deepEqual(idsIn(join(folder, 'later', 'export.jsonl')), ids(1))
})

test('a folder is no file', async () => {
  const sink = open(tempFolder('file-sink'))
  await assert.rejects(sink.send([exchangeRow(1)], forever), { name: 'SinkError' })
  await sink.close()
})

test('a device is no file', { skip: !existsSync('/dev/null') }, async () => {
  const sink = open('/dev/null')
  await assert.rejects(sink.send([exchangeRow(1)], forever), { name: 'SinkError', message: /no regular file/ })
  await sink.close()
})

const limits = spawnSync('prlimit', ['--version']).status === 0

test('a full disk leaves the file as it was', { skip: !limits && 'prlimit is not installed' }, async () => {
  const path = newPath()
  const child = fork(new URL('../../support/file-sink-child.ts', import.meta.url), [path, 'full'], {
    execArgv: [],
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const [said] = (await once(child, 'message')) as [string]
  await once(child, 'exit')
  assert.match(said, /^SinkError: cannot write .*: (EFBIG|ENOSPC)/)
  assert.deepEqual(idsIn(path), ids(1))
})

test('a writer that is killed at any moment leaves whole lines, once the next one has come', async () => {
  const path = newPath()
  for (let round = 0; round < 4; round++) {
    const child = fork(new URL('../../support/file-sink-child.ts', import.meta.url), [path, 'write'], { execArgv: [] })
    await once(child, 'message')
    await new Promise((resolve) => setTimeout(resolve, round * 7))
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  const sink = open(path, { rotateBytes: 1e9 })
  await sink.send([exchangeRow(1)], forever)
  await sink.close()
  const read = idsIn(path)
  assert.ok(read.length > 200 * 4)
  assert.equal(read.at(-1), exchangeRow(1).row.id)
})

test('two writers of one file leave whole lines', async () => {
  const path = newPath()
  const [one, two] = [open(path, { rotateBytes: 1e9 }), open(path, { rotateBytes: 1e9 })]
  for (let round = 0; round < 5; round++)
    await Promise.all([one.send(exchangeRows(50), forever), two.send(exchangeRows(50), forever)])
  await one.close()
  await two.close()
  assert.equal(idsIn(path).length, 500)
})

test('the signal ends a delivery before anything more is written', async () => {
  const path = newPath()
  const sink = open(path)
  const stopped = AbortSignal.abort(new Error('stopping'))
  await assert.rejects(sink.send([exchangeRow(1)], stopped), { message: 'stopping' })
  await sink.close()
  assert.equal(existsSync(path), false)
})
