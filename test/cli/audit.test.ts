import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { join } from 'node:path'
import { startRecorder } from '../../src/audit/recorder.ts'
import { runProgram } from '../../src/cli/program.ts'
import { connectionRow, doneRow, openRow } from '../support/ledger-rows.ts'
import { tempFolder } from '../support/temp.ts'

type Ran = { readonly status: number; readonly stdout: string; readonly stderr: string }

async function run(cwd: string, ...args: string[]): Promise<Ran> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const texts = { stdout: '', stderr: '' }
  stdout.on('data', (chunk: Buffer) => (texts.stdout += chunk.toString()))
  stderr.on('data', (chunk: Buffer) => (texts.stderr += chunk.toString()))
  const status = await runProgram(['audit', ...args], { stdin, stdout, stderr, env: {}, cwd })
  return { status, ...texts }
}

async function filled(): Promise<{ cwd: string; ids: string[] }> {
  const cwd = tempFolder('audit')
  const recorder = startRecorder({ dir: join(cwd, 'data'), durability: 'relaxed', inlineBytes: 65_536 })
  const rows = [openRow({ at: '2026-01-01T00:00:00.000Z' }), openRow({ host: 'api.anthropic.com', path: '/\u001B[2J' })]
  recorder.once(rows[0]!, doneRow(rows[0]!.id, { decision: 'block', findings: '[{"type":"EMAIL"},{"type":"EMAIL"}]' }))
  recorder.once(rows[1]!, doneRow(rows[1]!.id, { responseBody: 'event: ping\r\ndata: \u001B]0;title\u0007\n\n' }))
  recorder.connection(connectionRow())
  await recorder.close()
  return { cwd, ids: rows.map(({ id }) => id) }
}

const idsIn = (text: string): unknown[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { id: unknown }).id)

test('find prints rows as lines or as JSON lines', async () => {
  const { cwd, ids } = await filled()
  const all = await run(cwd, 'find', '--json')
  assert.deepEqual([all.status, idsIn(all.stdout), all.stderr], [0, ids, ''])
  const blocked = await run(cwd, 'find', '--decision', 'block')
  assert.match(blocked.stdout, /block .* POST api\.openai\.com\/v1\/chat\/completions .* EMAIL×2/)
  assert.equal(blocked.stdout.trim().split('\n').length, 1)
  assert.deepEqual(idsIn((await run(cwd, 'find', '--until', '2026-01-02', '--json')).stdout), [ids[0]])
  assert.deepEqual(idsIn((await run(cwd, 'find', '--text', 'EVENT: ping', '--json')).stdout), [ids[1]])
  assert.match((await run(cwd, 'find', '--table', 'connections')).stdout, /tunnel .*bank\.example:443/)
})

test('options may stand before the subcommand', async () => {
  const { cwd, ids } = await filled()
  assert.deepEqual(idsIn((await run(cwd, '--json', 'find', '--limit', '1')).stdout), [ids[1]])
  const missing = await run(cwd, '-c', 'missing.yaml', 'find')
  assert.equal(missing.status, 1)
})

test('tail prints the last and stops when it is told not to follow', async () => {
  const { cwd, ids } = await filled()
  const one = await run(cwd, 'tail', '-n', '1', '--no-follow', '--json')
  assert.deepEqual([one.status, idsIn(one.stdout)], [0, [ids[1]]])
})

test('show prints a row with its bodies, and nothing that a terminal obeys', async () => {
  const { cwd, ids } = await filled()
  const first = await run(cwd, 'show', ids[0]!)
  assert.match(first.stdout, /decision +block/)
  assert.match(first.stdout, /\n {2}"prompt": "ping"\n/)
  const second = await run(cwd, 'show', ids[1]!)
  assert.match(second.stdout, /\nevent: ping\ndata: \\u001b\]0;title\\u0007\n/)
  const json = await run(cwd, 'show', ids[1]!, '--json')
  assert.equal((JSON.parse(json.stdout) as { path: string }).path, '/\u001B[2J')
  for (const { stdout } of [first, second, json])
    assert.doesNotMatch(stdout, /[\u0000-\u0009\u000B-\u001F\u007F-\u009F]/)
})

test('stats prints counts', async () => {
  const { cwd } = await filled()
  const text = await run(cwd, 'stats')
  assert.match(text.stdout, /exchanges +2\n/)
  assert.match(text.stdout, /EMAIL +2/)
  const json = JSON.parse((await run(cwd, 'stats', '--decision', 'block', '--json')).stdout) as Record<string, unknown>
  assert.deepEqual([json.exchanges, json.findings], [1, { EMAIL: 2 }])
})

test('stats in groups are a table or JSON', async () => {
  const { cwd } = await filled()
  assert.match((await run(cwd, 'stats', '--by', 'decision')).stdout, /^decision .*\nallow .*\nblock .*\n$/)
  const json = JSON.parse((await run(cwd, 'stats', '--by', 'host', '--json')).stdout) as { groups: { name: string }[] }
  assert.deepEqual(
    json.groups.map(({ name }) => name),
    ['api.anthropic.com', 'api.openai.com'],
  )
})

test('pages follow each other by the id of the oldest row', async () => {
  const { cwd, ids } = await filled()
  assert.deepEqual(idsIn((await run(cwd, 'find', '--limit', '1', '--json')).stdout), [ids[1]])
  assert.deepEqual(idsIn((await run(cwd, 'find', '--limit', '1', '--before', ids[1]!, '--json')).stdout), [ids[0]])
  assert.deepEqual(idsIn((await run(cwd, 'find', '--limit', '1', '--before', ids[0]!, '--json')).stdout), [])
})

test('wrong usage is 2, what is not there is 1, each with a hint', async () => {
  const { cwd } = await filled()
  const cases: [number, RegExp, string[]][] = [
    [2, /error: --since "soon" is not a time/, ['find', '--since', 'soon']],
    [2, /error: "x" is not a whole number/, ['find', '--limit', 'x']],
    [2, /error: --table "rows" is none of exchanges, connections, events/, ['tail', '--table', 'rows']],
    [2, /error: --decision "blok" is none of .*\nhint: did you mean block\?/, ['find', '--decision', 'allow,blok']],
    [2, /error: --decision "block" is none of inspect/, ['find', '--table', 'connections', '--decision', 'block']],
    [2, /error: --provider "opnai" is none of .*\nhint: did you mean openai\?/, ['stats', '--provider', 'opnai']],
    [2, /error: --by "modle" is none of .*\nhint: did you mean model\?/, ['stats', '--by', 'modle']],
    [2, /error: --before "01a1" is not the id of a row/, ['find', '--before', '01a1']],
    [2, /error: --text is empty/, ['find', '--text', '']],
    [2, /error: --model does not go with --table connections/, ['find', '--table', 'connections', '--model', 'x']],
    [1, /error: no row has the id "zz"\nhint: /, ['show', 'zz']],
    [1, /error: several ids begin with "0"\nhint: /, ['show', '0']],
  ]
  for (const [status, message, args] of cases) {
    const ran = await run(cwd, ...args)
    assert.match(ran.stderr, message)
    assert.equal(ran.status, status, args.join(' '))
  }
  const empty = await run(tempFolder(), 'find')
  assert.deepEqual([empty.status, empty.stdout], [1, ''])
  assert.match(empty.stderr, /error: there is no ledger at .*\nhint: /)
})
