import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { databasePath } from '../../src/store/open.ts'
import { addBlock, ledgerIn, verifiedLedger } from '../support/old-ledger.ts'
import { installSallyport, serve, startSallyport } from '../support/sallyport.ts'

const DAY = 86_400_000

for (const workers of [1, 2]) {
  test(`with ${workers} processes there is one keeper: its metrics are there, and the last checkpoint covers all`, async () => {
    await using sallyport = await startSallyport({ config: { workers } })
    let text = ''
    while (!text.includes('sallyport_ledger_bytes{part="bodies"}')) {
      await setTimeout(20)
      text = (await sallyport.get('/metrics')).body
    }
    assert.match(text, /^sallyport_ledger_keeper 1$/m)
    assert.match(text, /^sallyport_ledger_queue_rows/m)
    assert.equal(await sallyport.stop(), 0)
    const dir = join(sallyport.dir, 'data')
    const db = new Database(databasePath(dir), { readonly: true })
    const sql = 'SELECT reason, block FROM checkpoints ORDER BY number DESC LIMIT 1'
    const head = db.prepare<[], number>('SELECT max(n) FROM chain').pluck().get()
    assert.deepEqual(db.prepare(sql).get(), { reason: 'shutdown', block: head })
    db.close()
    const { ok, unsigned, faults } = await verifiedLedger(dir)
    assert.ok(ok, JSON.stringify(faults[0]))
    assert.equal(unsigned.blocks, 0)
    assert.doesNotMatch(sallyport.log(), /keeper|chore/)
  })
}

test('while it serves, old rows and their files go; SIGHUP brings another age', async () => {
  const installation = await installSallyport({ config: { audit: { retention: { days: 200 } } } })
  const dir = join(installation.dir, 'data')
  const old = ledgerIn(dir)
  addBlock(old, dir, { at: Date.now() - 300 * DAY, exchanges: 100, inline: 60_000, spill: 100 })
  addBlock(old, dir, { at: Date.now() - 100 * DAY, exchanges: 3 })
  old.close()
  await using sallyport = await serve(installation)
  while (sallyport.rows('exchanges').length > 3) await setTimeout(20)
  const left = (): string[] => readdirSync(join(dir, 'bodies'), { recursive: true, encoding: 'utf8' })
  while (left().some((name) => name.endsWith('.response'))) await setTimeout(20)
  const event = () => sallyport.rows('events').find(({ what }) => what === 'retention.purge')
  while (event() === undefined) await setTimeout(20)
  assert.equal((JSON.parse(String(event()?.['after'])) as { exchanges: number }).exchanges, 100)
  writeFileSync(installation.file, readFileSync(installation.file, 'utf8').replace('days: 200', 'days: 50'))
  sallyport.child.kill('SIGHUP')
  while (sallyport.rows('exchanges').length > 0) await setTimeout(20)
  assert.equal(await sallyport.stop(), 0)
  assert.ok((await verifiedLedger(dir)).ok)
})
