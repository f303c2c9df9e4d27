import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { before, test } from 'node:test'
import { runProgram } from '../../src/cli/program.ts'
import { copyOf, tamper, writtenLedger } from '../support/tampered-ledger.ts'
import { tempFolder } from '../support/temp.ts'

type Ran = { readonly status: number; readonly stdout: string; readonly stderr: string }

let ledger = ''
before(async () => {
  ledger = await writtenLedger()
})

async function run(dir: string, ...args: string[]): Promise<Ran> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const texts = { stdout: '', stderr: '' }
  stdout.on('data', (chunk: Buffer) => (texts.stdout += chunk.toString()))
  stderr.on('data', (chunk: Buffer) => (texts.stderr += chunk.toString()))
  const io = { stdin, stdout, stderr, env: { SALLYPORT_DATA_DIR: dir }, cwd: tempFolder('cwd') }
  const status = await runProgram(['audit', 'verify', ...args], io)
  return { status, ...texts }
}

test('a ledger that fits is 0, and the last line says how far it is proved', async () => {
  const found = await run(ledger)
  assert.equal(found.status, 0)
  assert.match(
    found.stdout,
    /\nok: nothing was altered; proved up to block \d+ by checkpoint 3 of .*; \d+ entries after it chained and not signed yet\n$/,
  )
  assert.match(found.stderr, /compare its fingerprint/)
  const quiet = await run(ledger, '--public-key', join(ledger, 'ledger.pub'), '--json')
  assert.equal(quiet.stderr, '')
  assert.equal(JSON.parse(quiet.stdout).ok, true)
})

test('a row that was altered is 1, and is the first thing said', async () => {
  const dir = copyOf(ledger)
  const id = tamper(dir, (db) => {
    db.exec(`UPDATE exchanges SET host = 'evil\u001B[2J' WHERE seq = 7`)
    db.exec('DELETE FROM connections')
    return db.prepare<[], string>('SELECT id FROM exchanges WHERE seq = 7').pluck().get()
  })
  const found = await run(dir)
  assert.equal(found.status, 1)
  assert.match(found.stdout, new RegExp(`^bad: altered: exchanges ${id} \\(seq 7\\), block \\d+ of `))
  assert.match(found.stdout, /\nfailed: 4 faults; the chain is signed up to block/)
  assert.match(found.stderr, /SQLite gave out 3 more|note/)
})

test('a copy of the database is verified with or without its files', async () => {
  const dir = tempFolder('copy')
  copyFileSync(join(ledger, 'sallyport.db'), join(dir, 'sallyport.db'))
  const db = join(dir, 'sallyport.db')
  const missing = await run(tempFolder('other'), '--db', db)
  assert.equal(missing.status, 1)
  assert.match(missing.stdout, /^bad: file missing: exchanges /)
  assert.match(missing.stderr, /hint: there is no `bodies` folder .*--no-bodies/)
  const found = await run(tempFolder('other'), '--db', db, '--no-bodies')
  assert.equal(found.status, 0)
  assert.match(found.stdout, /not checked: files were not looked at/)
  assert.match(found.stderr, /the key is taken from the checkpoints themselves/)
})

test('files without a row are told, and are no fault', async () => {
  const dir = copyOf(ledger)
  mkdirSync(join(dir, 'bodies/2026/01/01'), { recursive: true })
  writeFileSync(join(dir, 'bodies/2026/01/01/0197a3c2-0000-7000-8000-000000000000.request'), 'x')
  const found = await run(dir)
  assert.equal(found.status, 0)
  assert.match(found.stderr, /1 files of bodies have no row/)
})

test('what cannot be read as a ledger, key, checkpoints or bundle is an error with a hint', async () => {
  const cases: [string[], RegExp, number][] = [
    [['--db', 'none.db'], /error: there is no ledger at .*none\.db/, 1],
    [['--public-key', 'none.pem'], /error: .*none\.pem cannot be read as a public key\nhint: /, 1],
    [['--checkpoints', 'none.jsonl'], /error: .*none\.jsonl: it cannot be read\nhint: /, 1],
    [['--bundle', 'none'], /error: the bundle .*none cannot be read: .* is not a bundle/, 1],
    [['--bundle', 'a', '--db', 'b'], /error: --db and --bundle do not go together/, 2],
  ]
  for (const [args, message, status] of cases) {
    const found = await run(ledger, ...args)
    assert.equal(found.status, status, args.join(' '))
    assert.match(found.stderr, message)
  }
  const dir = copyOf(ledger)
  writeFileSync(join(dir, 'kept.jsonl'), '{}\n')
  assert.match((await run(dir, '--checkpoints', join(dir, 'kept.jsonl'))).stderr, /line 1 is not a checkpoint/)
  rmSync(dir, { recursive: true })
})
