import { randomBytes } from 'node:crypto'
import { startRecorder } from '../../src/audit/recorder.ts'
import { spillName } from '../../src/audit/bodies/spill-file.ts'
import { doneRow, openRow } from './ledger-rows.ts'

// A process of its own that writes a ledger: `ledger-child.ts DIR COUNT finish|leave [BYTES]`. For each exchange, with a request of
// BYTES in a file, it prints the id once `open` has resolved; then it finishes them and ends, or stays until it is killed.
const [dir = '', count = '1', end = 'leave', bytes] = process.argv.slice(2)
const recorder = startRecorder({ dir, durability: 'crash', inlineBytes: 65_536 })
for (let i = 0; i < Number(count); i += 1) {
  const row = openRow()
  const file = bytes === undefined ? {} : { requestContent: randomBytes(Number(bytes)) }
  await recorder.open({ ...row, ...file, requestSpill: spillName(row.id, 'request') })
  process.stdout.write(`${row.id}\n`)
  // The request stays as it was: it is in its file.
  const kept = bytes === undefined ? {} : { requestBody: null, requestSha256: null }
  if (end === 'finish') recorder.done(doneRow(row.id, kept))
}
process.stdout.write(`owner ${recorder.owner}\n`)
if (end === 'finish') await recorder.close()
else setInterval(() => {}, 1_000)
