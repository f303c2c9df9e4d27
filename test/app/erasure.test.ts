import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { keeperSettings } from '../../src/app/keeper.ts'
import { textIndexChore } from '../../src/audit/find/text-index-chore.ts'
import { eraseContent, erasureOf } from '../../src/app/erasure.ts'
import { openShelf, shelfOf } from '../../src/app/rooms.ts'
import { silentLog } from '../../src/lib/log.ts'
import { configIn } from '../support/app.ts'
import { addBlock, ledgerIn } from '../support/old-ledger.ts'

const forever = new AbortController().signal

test('placeholders of the principal go too, and those of others stay', async () => {
  const config = configIn()
  const { dir } = config.data
  const db = ledgerIn(dir)
  addBlock(db, dir, { at: Date.now(), inline: 50, principal: 'eve' })
  db.close()
  const shelf = openShelf(dir, silentLog())
  for (const [name, value] of [
    ['eve', 'sealed-of-eve'],
    ['ada', 'sealed-of-ada'],
  ] as const)
    shelfOf(shelf, `principal ${name}`, Date.now).put(`<${name}_1>`, Buffer.from(value))
  shelf.close()
  const target = { kind: 'principal', principal: 'eve', before: undefined } as const
  assert.deepEqual(erasureOf(config, target), { exchanges: 1, files: 0, open: 0 })
  const erased = await eraseContent(config, { target, who: 'operator', now: Date.now }, forever)
  assert.deepEqual(erased, { exchanges: 1, files: 0, bytes: 0, open: 0, remains: false, placeholders: 1 })
  const left = readFileSync(join(dir, 'placeholders.db')).toString('latin1')
  assert.deepEqual([left.includes('sealed-of-eve'), left.includes('sealed-of-ada')], [false, true])
})

test('what was erased is gone from the text index, too, when no keeper runs', async () => {
  const config = configIn(undefined, { audit: { search: true } })
  const { dir } = config.data
  const db = ledgerIn(dir)
  addBlock(db, dir, { at: Date.now(), exchanges: 3, inline: 500, principal: 'eve', text: 'zebra quagga ' })
  addBlock(db, dir, { at: Date.now(), exchanges: 3, inline: 500, text: 'zebra ' })
  await textIndexChore({ settings: keeperSettings(config), db, now: Date.now }).run(forever)
  db.close()
  const indexed = (part: string): boolean => readFileSync(join(dir, 'index', 'text.db'), 'latin1').includes(part)
  assert.deepEqual([indexed('zeb'), indexed('qua')], [true, true])
  const target = { kind: 'principal', principal: 'eve', before: undefined } as const
  await eraseContent(config, { target, who: 'operator', now: Date.now }, forever)
  assert.deepEqual([indexed('zeb'), indexed('qua')], [true, false])
})
