import assert from 'node:assert/strict'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { startRecorder } from '../../src/audit/recorder.ts'
import { checkpointLines } from '../../src/audit/verify/statement.ts'
import { runProgram } from '../../src/cli/program.ts'
import { connectionRow } from '../support/ledger-rows.ts'
import { tamper } from '../support/tampered-ledger.ts'
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

async function written(): Promise<string> {
  const cwd = tempFolder('checkpoint')
  const recorder = startRecorder({ dir: join(cwd, 'data'), durability: 'crash', inlineBytes: 64 })
  recorder.connection(connectionRow())
  await recorder.close()
  return cwd
}

test('a checkpoint is signed at once, and its statement kept elsewhere finds a ledger that was put back', async () => {
  const cwd = await written()
  const shown = await run(cwd, 'checkpoint', '--out', 'kept.jsonl')
  assert.match(shown.stdout, /^checkpoint {2}1\nat {10}\S+\nblock {7}2\nkey {9}sha256:[0-9a-f]{64}\n$/)
  const second = await run(cwd, 'checkpoint', '--out', 'kept.jsonl', '--json')
  const kept = readFileSync(join(cwd, 'kept.jsonl'), 'utf8')
  assert.ok(kept.endsWith(second.stdout))
  assert.deepEqual(
    checkpointLines(kept).map(({ number }) => number),
    [1, 2],
  )
  assert.equal(statSync(join(cwd, 'kept.jsonl')).mode & 0o777, 0o600)
  assert.equal((await run(cwd, 'verify', '--checkpoints', 'kept.jsonl')).status, 0)
  tamper(join(cwd, 'data'), (db) => db.exec('DELETE FROM checkpoints WHERE number = 2'))
  const found = await run(cwd, 'verify', '--checkpoints', 'kept.jsonl')
  assert.equal(found.status, 1)
  assert.match(found.stdout, /^bad: removed: checkpoints \(number 2\)/)
})

test('without a ledger nothing is signed, and nothing is made', async () => {
  const cwd = tempFolder('empty')
  const none = await run(cwd, 'checkpoint')
  assert.equal(none.status, 1)
  assert.match(none.stderr, /^error: there is no ledger/)
  assert.deepEqual(readdirSync(cwd), [])
})

test('a file that cannot be written is told before anything is signed', async () => {
  const cwd = await written()
  const refused = await run(cwd, 'checkpoint', '--out', 'none/kept.jsonl')
  assert.equal(refused.status, 1)
  assert.match(refused.stderr, /^error: .*kept\.jsonl cannot be written\nhint: /)
  assert.equal(
    tamper(join(cwd, 'data'), (db) => db.prepare('SELECT count(*) FROM checkpoints').pluck().get()),
    0,
  )
})
