import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { exportsIn, filled, jsonOf, run } from '../support/exporting.ts'

test('rows come as JSON lines, with bodies when asked for, and that they left is an event', async () => {
  const { cwd, ids } = await filled()
  const plain = await run(cwd, '--host', 'api.openai.com')
  assert.equal(plain.stderr, '')
  assert.deepEqual(
    jsonOf(plain.stdout).map(({ id }) => id),
    [ids[0], ids[2]],
  )
  assert.equal(Object.hasOwn(jsonOf(plain.stdout)[0] ?? {}, 'request_body'), false)
  const whole = await run(cwd, '--bodies', '--model', 'gpt-*', '--text', 'anthropic')
  assert.deepEqual(
    jsonOf(whole.stdout).map((row) => row.request_body),
    ['{"prompt":"api.anthropic.com"}'],
  )
  const [first, second] = exportsIn(cwd)
  assert.deepEqual(first?.after, { table: 'exchanges', filter: { host: 'api.openai.com' }, bodies: false, rows: 2 })
  assert.deepEqual(second?.after, {
    table: 'exchanges',
    filter: { model: 'gpt-*', text: true },
    bodies: true,
    rows: 1,
  })
})

test('CSV has a heading, and no cell that a spreadsheet would run', async () => {
  const { cwd } = await filled()
  const { stdout } = await run(cwd, '--format', 'csv')
  const lines = stdout.split('\r\n')
  assert.equal(lines.length, 5)
  assert.match(lines[0] ?? '', /^id,at,door,/)
  assert.match(lines[1] ?? '', /,'=cmd\(\),/)
  assert.match(lines[1] ?? '', /,"\[\{""type"":""EMAIL""\}\]"/)
  const connections = await run(cwd, '--format', 'csv', '--table', 'connections')
  assert.equal(connections.stdout.split('\r\n').length, 3)
})

test('a file is written whole and private, or not at all', async () => {
  const { cwd } = await filled()
  const path = join(cwd, 'out.jsonl')
  writeFileSync(path, 'before', { mode: 0o644 })
  const { status, stdout } = await run(cwd, '--out', 'out.jsonl')
  assert.deepEqual([status, stdout, jsonOf(readFileSync(path, 'utf8')).length], [0, '', 3])
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.equal(existsSync(`${path}.part`), false)
  const nowhere = await run(cwd, '--out', 'missing/out.jsonl')
  assert.match(nowhere.stderr, /error: cannot write .*out\.jsonl/)
  assert.equal(nowhere.status, 1)
})

test('a format that there is not is told', async () => {
  const { cwd } = await filled()
  for (const name of ['constructor', 'cvs']) {
    const { status, stderr } = await run(cwd, '--format', name)
    assert.match(stderr, /^error: --format "\w+" is none of jsonl, csv/)
    assert.equal(status, 2)
  }
})
