import { randomBytes } from 'node:crypto'
import { bodyKeeper } from '../../src/audit/bodies/body.ts'
import { startRecorder } from '../../src/audit/recorder.ts'
import { spillName } from '../../src/audit/bodies/spill-file.ts'
import { doneRow, openRow } from './ledger-rows.ts'

// A process of its own that writes large bodies until it is killed: `spill-child.ts DIR DURABILITY [KEY]`. Several exchanges at once,
// each with a request that is at hand and an answer that streams; the id of each is printed when its row may be waited for no more.
const [dir = '', durability = 'crash', keyHex] = process.argv.slice(2)
const key = keyHex === undefined ? undefined : { id: 'k1', key: Buffer.from(keyHex, 'hex') }
const recorder = startRecorder({ dir, durability: durability as 'crash' | 'power', inlineBytes: 1_000, key })

async function exchange(): Promise<void> {
  const row = openRow()
  const request = { requestContent: randomBytes(150_000), requestSpill: spillName(row.id, 'request') }
  await recorder.open({ ...row, ...request })
  const place = { capture: true, store: 'full', inlineBytes: 1_000, maxBytes: 10 ** 7, dir, key } as const
  const keeper = bodyKeeper({ ...place, id: row.id, side: 'response', sync: durability === 'power' })
  const chunks = 1 + Math.floor(Math.random() * 40)
  for (let i = 0; i < chunks; i += 1) await keeper.write(randomBytes(40_000))
  const kept = await keeper.finish()
  const nothing = { requestBody: null, responseBody: null }
  const response = { responseSpill: kept.spill, responseSha256: kept.sha256, error: kept.error }
  recorder.done(doneRow(row.id, { ...nothing, ...response }))
  await recorder.flush()
  process.stdout.write(`${row.id}\n`)
}

async function forever(): Promise<never> {
  for (;;) await exchange()
}

await Promise.all(Array.from({ length: 4 }, forever))
