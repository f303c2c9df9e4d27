import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { startRecorder } from '../../src/audit/recorder.ts'
import { runProgram } from '../../src/cli/program.ts'
import { doneRow, openRow } from '../support/ledger-rows.ts'
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
  const cwd = tempFolder('bundle')
  const recorder = startRecorder({ dir: join(cwd, 'data'), durability: 'crash', inlineBytes: 65_536 })
  for (const at of ['2026-01-01T00:00:00.000Z', '2026-02-01T00:00:00.000Z']) {
    const row = openRow({ at })
    recorder.once(row, doneRow(row.id))
  }
  await recorder.close()
  await run(cwd, 'checkpoint')
  return cwd
}

test('a bundle is written, recorded, and verifies by itself and by the command', async () => {
  const cwd = await written()
  const made = await run(cwd, 'export', '--bundle', 'to', '--since', '2026-01-15')
  assert.equal(made.status, 0, made.stderr)
  assert.match(
    made.stdout,
    /to: 2 rows, 2 bodies, \d+ blocks, 1 checkpoints\nverify it with: node .*verify\.mjs --public-key FILE\n$/,
  )
  const events = tamper(join(cwd, 'data'), (db) => db.prepare<[], string>('SELECT what FROM events').pluck().all())
  assert.deepEqual(events, ['ledger.key.create', 'audit.export'])
  const alone = spawnSync(
    process.execPath,
    [join(cwd, 'to/verify.mjs'), '--public-key', join(cwd, 'data/ledger.pub')],
    { encoding: 'utf8' },
  )
  assert.deepEqual([alone.status, alone.stderr], [0, ''])
  assert.match(alone.stdout, /1 row: only their digests/)
  const command = await run(cwd, 'verify', '--bundle', 'to', '--public-key', 'data/ledger.pub')
  assert.deepEqual([command.status, command.stdout], [0, alone.stdout])
})

test('without content on request; never into a folder that has something', async () => {
  const cwd = await written()
  const made = await run(cwd, 'export', '--bundle', 'to', '--no-bodies', '--json')
  assert.equal(JSON.parse(made.stdout).rows, 3)
  assert.match(
    (await run(cwd, 'verify', '--bundle', 'to')).stdout,
    /0 bodies checked, 4 not checked: files were not looked at/,
  )
  // The first one was recorded as an event, which the next is signed with.
  const next = await run(cwd, 'export', '--bundle', 'next', '--json')
  assert.deepEqual([JSON.parse(next.stdout).rows, JSON.parse(next.stdout).checkpoints], [4, 2])
  assert.match(
    (await run(cwd, 'verify', '--bundle', 'next')).stdout,
    /proved up to block \d+ by checkpoint 2 of \S+, key \S+\n$/,
  )
  const again = await run(cwd, 'export', '--bundle', 'to')
  assert.equal(again.status, 1)
  assert.match(again.stderr, /^error: .*to is not empty\nhint: /)
})
