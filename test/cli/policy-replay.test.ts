import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { test } from 'node:test'
import { startRecorder } from '../../src/audit/recorder.ts'
import { folderOf } from '../policy/fixture.ts'
import { commandLine } from '../support/command-line.ts'
import { connectionRow, doneRow, openRow } from '../support/ledger-rows.ts'

const policy = `
intercept:
  - { hosts: ["*.bank.example", bank.example], action: deny, reason: nobody banks here }
rules:
  - { name: birds, on: request, hook: keywords, options: { name: birds, words: [falcon] }, action: block }
`
const asked = (content: string): string => JSON.stringify({ messages: [{ role: 'user', content }] })

async function filled(): Promise<{ cwd: string; ids: string[] }> {
  const cwd = folderOf({ 'sallyport.yaml': '', 'policies/10.yaml': policy, 'milder.yaml': 'rules: []\n' })
  const recorder = startRecorder({ dir: join(cwd, 'data'), durability: 'relaxed', inlineBytes: 65_536 })
  const rows = [openRow(), openRow({ principal: 'bob\u001B[2J' }), openRow({ at: '2026-01-01T00:00:00.000Z' })]
  for (const [index, row] of rows.entries())
    recorder.once(row, doneRow(row.id, { requestBody: asked(index === 0 ? 'a heron' : 'a falcon') }))
  recorder.connection(connectionRow())
  await recorder.close()
  return { cwd, ids: rows.map(({ id }) => id) }
}

const replay = (cwd: string, ...args: string[]) => commandLine(['policy', 'replay', ...args], { cwd })
const objects = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

test('what the policies would decide differently is told, and how often', async () => {
  const { cwd, ids } = await filled()
  const { status, stdout, stderr } = await replay(cwd)
  assert.deepEqual([status, stderr], [0, ''])
  const lines = stdout.trim().split('\n')
  assert.match(lines[0] ?? '', /connection to bank\.example {2}tunnel → deny {2}\(nobody banks here\)$/)
  assert.ok(lines[1]?.includes(`${ids[1]}  api.openai.com/v1/chat/completions  bob`))
  assert.match(lines[1] ?? '', /allow → block {2}\(birds\) {2}\+KEYWORD:birds$/)
  assert.deepEqual(lines.slice(2), [
    '2 exchanges and 1 connections replayed; different:',
    '  1  connections: tunnel → deny',
    '  1  exchanges: allow → block',
  ])
  assert.equal(stdout.includes('\u001B'), false)
  assert.equal(stdout.includes('falcon'), false)
})

test('as JSON lines, with the count last; --all has also what is the same, --since goes further back', async () => {
  const { cwd, ids } = await filled()
  const all = objects((await replay(cwd, '--json', '--all', '--since', '2025-12-31')).stdout)
  assert.deepEqual(
    all.slice(0, -1).map(({ kind, id, differs }) => [kind, kind === 'exchange' ? id : '', differs]),
    [['connection', '', true], ...[ids[0], ids[1], ids[2]].map((id) => ['exchange', id, id !== ids[0]])],
  )
  assert.deepEqual(all.at(-1), {
    kind: 'summary',
    exchanges: 3,
    connections: 1,
    differ: { 'connections: tunnel → deny': 1, 'exchanges: allow → block': 2 },
    unasked: [],
    incomplete: 0,
    unreadable: {},
  })
})

test('files can be tried before they are policies, on a part of the record', async () => {
  const { cwd } = await filled()
  assert.match((await replay(cwd, 'milder.yaml')).stdout, /^2 exchanges and 1 connections replayed; nothing differs\n$/)
  assert.match((await replay(cwd, '--principal', 'nobody')).stdout, /^0 exchanges and 0 connections replayed/)
  assert.match((await replay(cwd, '--limit', '1', '--host', '*.openai.com')).stdout, /^.*\n1 exchanges and 0 conn/)
})

test('encrypted bodies are read with the keys of the configuration, and which key is missing is told', async () => {
  const key = { id: 'k1', key: randomBytes(32) }
  const encryption = 'audit: { encryption: { keys: [{ id: k1, env: KEY }] } }\n'
  const cwd = folderOf({ 'sallyport.yaml': encryption, 'without.yaml': '', 'policies/10.yaml': policy })
  const recorder = startRecorder({ dir: join(cwd, 'data'), durability: 'relaxed', inlineBytes: 65_536, key })
  const row = openRow()
  recorder.once(row, doneRow(row.id, { requestBody: asked('a falcon'), responseBody: null }))
  await recorder.close()
  const opened = await commandLine(['policy', 'replay'], { cwd, env: { KEY: key.key.toString('hex') } })
  assert.match(opened.stdout, /allow → block {2}\(birds\)/)
  const { stdout } = await replay(cwd, '-c', 'without.yaml')
  assert.match(
    stdout,
    /note: 1 bodies could not be read: it is sealed by the key "k1", which is not in audit\.encryption/,
  )
  assert.doesNotMatch(stdout, /allow → block/)
})

test('wrong times and counts are wrong usage; without a ledger there is nothing to replay', async () => {
  const { cwd } = await filled()
  assert.equal((await replay(cwd, '--since', 'yesterday')).status, 2)
  assert.equal((await replay(cwd, '--limit', 'all')).status, 2)
  const empty = await commandLine(['policy', 'replay'], { cwd: folderOf({ 'policies/10.yaml': policy }) })
  assert.equal(empty.status, 1)
  assert.match(empty.stderr, /^error: /)
})
