import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openLedger } from '../../src/audit/find/ledger.ts'
import { recordOperatorAct } from '../../src/cli/operator-event.ts'
import { databasePath, openStore } from '../../src/store/open.ts'
import { configIn } from '../support/app.ts'
import { commandLine, sink } from '../support/command-line.ts'
import { tempFolder } from '../support/temp.ts'

const act = { what: 'ca.rotate', subject: 'aa', before: { fingerprint: 'bb' } } as const

test('an act is in the ledger when there is one, and makes none', () => {
  const config = configIn()
  const err = sink()
  recordOperatorAct(config, { stderr: err.stream }, act)
  assert.ok(!existsSync(databasePath(config.data.dir)))
  openStore({ dir: config.data.dir, durability: 'crash' }).close()
  recordOperatorAct(config, { stderr: err.stream }, act)
  const ledger = openLedger(config.data.dir)
  const [event] = [...ledger.find('events', {}).rows()]
  ledger.close()
  assert.partialDeepStrictEqual(event, { what: 'ca.rotate', subject: 'aa', before: { fingerprint: 'bb' }, after: null })
  assert.ok(String(event?.['who']).length > 0 && event?.['who'] !== 'sallyport')
  assert.equal(err.text(), '')
})

test('an act that cannot be recorded is told to the operator', () => {
  const config = configIn()
  openStore({ dir: config.data.dir, durability: 'crash' }).close()
  writeFileSync(databasePath(config.data.dir), 'no database any more')
  const err = sink()
  recordOperatorAct(config, { stderr: err.stream }, act)
  assert.match(err.text(), /^warning: this is not in the ledger: /)
})

test('what is done to the CA is recorded with the certificates before and after', async () => {
  const cwd = tempFolder('cli')
  openStore({ dir: join(cwd, 'data'), durability: 'crash' }).close()
  for (const args of [
    ['ca', 'init'],
    ['ca', 'init'],
    ['ca', 'rotate'],
    ['ca', 'show'],
  ])
    assert.equal((await commandLine(args, { cwd })).status, 0)
  const ledger = openLedger(join(cwd, 'data'))
  const events = [...ledger.find('events', {}).rows()].toReversed()
  ledger.close()
  const [init, rotate] = events[0]?.['what'] === 'ca.init' ? events : events.toReversed()
  assert.equal(events.length, 2)
  assert.equal(init?.['what'], 'ca.init')
  assert.partialDeepStrictEqual(rotate, { what: 'ca.rotate', before: { fingerprint: init?.['subject'] } })
  assert.notEqual(rotate?.['subject'], init?.['subject'])
})
