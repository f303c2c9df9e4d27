import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import fc from 'fast-check'
import { type BundleOptions, writeBundle } from '../../../src/audit/bundle/bundle.ts'
import { knownKeys } from '../../../src/audit/checkpoints/ledger-key.ts'
import { bundleSource } from '../../../src/audit/verify/bundle.ts'
import { verify } from '../../../src/audit/verify/core.ts'
import type { Verified } from '../../../src/audit/verify/source.ts'
import { SallyportError } from '../../../src/core/errors.ts'
import { chainColumns } from '../../../src/store/chain.ts'
import { databasePath } from '../../../src/store/open.ts'
import { copyOf, tamper, writtenLedger } from '../../support/tampered-ledger.ts'
import { tempFolder } from '../../support/temp.ts'

let ledger = ''
let whole = ''
before(async () => {
  ledger = await writtenLedger()
  whole = await bundleOf()
})

async function bundleOf(over: Partial<BundleOptions> = {}): Promise<string> {
  const to = join(tempFolder('bundle'), 'to')
  const dir = over.dir ?? ledger
  await writeBundle({ database: databasePath(dir), dir, to, bodies: true, keys: [], now: Date.now(), ...over })
  return to
}

const verified = (dir: string): Promise<Verified> =>
  verify(bundleSource(dir, chainColumns), { keys: knownKeys(ledger) })

// A bundle that cannot be read is not proved either.
const fits = (dir: string): Promise<boolean> =>
  verified(dir).then(
    ({ ok }) => ok,
    () => false,
  )

const linesOf = (dir: string, name: string): string[] => readFileSync(join(dir, name), 'utf8').trimEnd().split('\n')

test('a whole bundle verifies, and has every row and body', async () => {
  const found = await verified(whole)
  assert.deepEqual(found.faults, [])
  assert.equal(found.rows.exchanges, 33)
  assert.equal(found.proof?.number, 3)
  assert.equal(found.content.checked, 56)
  assert.equal(found.digestsOnly, 0)
})

test('the verifier of a bundle needs nothing but Node, and ends with 0, 1 or 2', () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [join(whole, 'verify.mjs'), ...args], { encoding: 'utf8', cwd: '/' })
  const good = run('--public-key', join(ledger, 'ledger.pub'))
  assert.equal(good.stderr, '')
  assert.match(good.stdout, /^ok: nothing was altered; proved up to block \d+ by checkpoint 3 /m)
  assert.equal(good.status, 0)
  assert.equal(JSON.parse(run('--json').stdout).ok, true)
  assert.match(run().stderr, /compare sha256:[0-9a-f]{64} with what you know/)
  assert.equal(run('--what').status, 2)
  assert.equal(run(tempFolder()).status, 1)
  const bad = copyOf(whole)
  writeFileSync(join(bad, 'events.jsonl'), '')
  const failed = run(bad)
  assert.equal(failed.status, 1)
  assert.match(failed.stdout, /^bad: removed: events \(seq 1\), block \d+ of .*: the row is not there$/m)
  assert.match(failed.stdout, /^failed: 5 faults; /m)
})

test('any change of a bundle is found', async () => {
  const names = readdirSync(whole).filter((name) => name.endsWith('.jsonl'))
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...names),
      fc.constantFrom('remove', 'repeat', 'swap', 'edit'),
      fc.nat(),
      fc.nat(),
      async (name, change, one, other) => {
        const dir = copyOf(whole)
        const lines = linesOf(dir, name)
        const at = one % lines.length
        if (change === 'swap' && (lines.length === 1 || one % lines.length === other % lines.length)) return
        // The end of what no checkpoint covers, and the last checkpoint, can go without a trace.
        if (change === 'remove' && at === lines.length - 1 && /^(?:blocks|checkpoints)/.test(name)) return
        if (change === 'remove') lines.splice(at, 1)
        if (change === 'repeat') lines.splice(at, 0, lines[at]!)
        if (change === 'swap') [lines[at], lines[other % lines.length]] = [lines[other % lines.length]!, lines[at]!]
        if (change === 'edit') lines[at] = edited(lines[at]!, other)
        writeFileSync(join(dir, name), `${lines.join('\n')}\n`)
        const ok = await fits(dir)
        // Within a block the order of rows is that of their numbers, wherever their lines stand.
        if (
          change === 'swap' &&
          !/^(?:blocks|checkpoints)/.test(name) &&
          sameBlock(lines[at]!, lines[other % lines.length]!)
        )
          return
        assert.equal(ok, false, `${change} ${name} ${at}`)
        rmSync(dir, { recursive: true })
      },
    ),
    { numRuns: 80 },
  )
})

test('content that was changed, or a file that is not there, is found', async () => {
  const lost = tamper(ledger, (db) =>
    db.prepare<[], string>(`SELECT id FROM exchanges WHERE state = 'lost'`).pluck().all(),
  )
  const files = readdirSync(join(whole, 'bodies')).filter((file) => !lost.includes(file.split('.')[0]!))
  for (const file of files.slice(0, 4)) {
    const dir = copyOf(whole)
    writeFileSync(join(dir, 'bodies', file), 'other')
    assert.deepEqual(
      (await verified(dir)).faults.map(({ what, id }) => [what, id]),
      [['file altered', file.split('.')[0]]],
    )
    rmSync(join(dir, 'bodies', file))
    assert.deepEqual(
      (await verified(dir)).faults.map(({ what, id }) => [what, id]),
      [['file missing', file.split('.')[0]]],
    )
  }
})

test('a bundle of a time proves itself: its rows are there, of all others only digests', async () => {
  const times = tamper(ledger, (db) => db.prepare<[], string>('SELECT at FROM exchanges ORDER BY seq').pluck().all())
  await fc.assert(
    fc.asyncProperty(fc.nat(times.length - 1), fc.nat(times.length - 1), async (one, other) => {
      const [since, until] = [times[Math.min(one, other)]!, times[Math.max(one, other)]!]
      const dir = await bundleOf({ since, until })
      const found = await verified(dir)
      assert.deepEqual(found.faults, [])
      const rows = linesOf(dir, 'exchanges.jsonl').flatMap((line) => (line === '' ? [] : [JSON.parse(line).row]))
      assert.deepEqual(
        rows.map(({ at }) => at as string).toSorted(),
        times.filter((at) => at >= since && at < until).toSorted(),
      )
      if (rows.length === 0) return
      const lines = linesOf(dir, 'exchanges.jsonl')
      writeFileSync(join(dir, 'exchanges.jsonl'), `${lines.with(0, edited(lines[0]!, one)).join('\n')}\n`)
      assert.equal(await fits(dir), false)
    }),
    { numRuns: 12 },
  )
})

test('what is missing or damaged in the ledger is told in the bundle too', async () => {
  const dir = copyOf(ledger)
  const spill = (where: string): { id: string; path: string } =>
    tamper(dir, (db) =>
      db
        .prepare<[], { id: string; path: string }>(
          `SELECT id, request_spill AS path FROM exchanges WHERE request_spill IS NOT NULL AND state = 'done' ORDER BY seq ${where} LIMIT 1`,
        )
        .get()!,
    )
  const [gone, spoiled] = [spill(''), spill('DESC')]
  rmSync(join(dir, gone.path))
  writeFileSync(join(dir, spoiled.path), 'no frame')
  const found = await verified(await bundleOf({ dir }))
  assert.deepEqual(
    found.faults.map(({ what, id }) => [what, id]),
    [
      ['file missing', gone.id],
      ['file altered', spoiled.id],
    ],
  )
})

test('a bundle without bodies says how many were not checked', async () => {
  const dir = await bundleOf({ bodies: false })
  const found = await verified(dir)
  assert.equal(found.ok, true)
  assert.equal(found.content.skipped, 56)
  assert.deepEqual(readdirSync(join(dir, 'bodies')), [])
})

test('bodies are counted that are there', async () => {
  const count = (bodies: boolean): Promise<number> => {
    const to = join(tempFolder('bundle'), 'to')
    const options = { database: databasePath(ledger), dir: ledger, to, bodies, keys: [], now: Date.now() }
    return writeBundle(options).then((counts) => counts.bodies)
  }
  assert.equal(await count(true), 56)
  assert.equal(await count(false), 0)
})

test('a folder that is not empty is refused, and what is written only its owner reads', async () => {
  await assert.rejects(
    bundleOf({ to: ledger }),
    (thrown: unknown) => thrown instanceof SallyportError && thrown.code === 'config_invalid',
  )
  assert.equal(statSync(whole).mode & 0o777, 0o700)
  for (const name of ['exchanges.jsonl', 'bundle.json', 'blocks.jsonl'])
    assert.equal(statSync(join(whole, name)).mode & 0o777, 0o600)
})

// Changes one letter or digit that stands between quotes or is a number.
function edited(line: string, which: number): string {
  const places = [...line.matchAll(/[0-9a-f](?=[^:]*[",}])/g)].map(({ index }) => index)
  const at = places[which % places.length]!
  return line.slice(0, at) + (line[at] === '7' ? '8' : '7') + line.slice(at + 1)
}

const sameBlock = (one: string, other: string): boolean => JSON.parse(one).block === JSON.parse(other).block
