import { startRecorder } from '../../src/audit/recorder.ts'
import { doneRow, openRow } from './ledger-rows.ts'

// A process of its own that writes a ledger: `ledger-child.ts DIR COUNT finish|leave`. For each exchange it prints the id once `open`
// has resolved; then it finishes them and ends, or stays until it is killed.
const [dir = '', count = '1', end = 'leave'] = process.argv.slice(2)
const recorder = startRecorder({ dir, durability: 'crash', inlineBytes: 65_536 })
for (let i = 0; i < Number(count); i += 1) {
  const row = openRow()
  await recorder.open(row)
  process.stdout.write(`${row.id}\n`)
  if (end === 'finish') recorder.done(doneRow(row.id))
}
process.stdout.write(`owner ${recorder.owner}\n`)
if (end === 'finish') await recorder.close()
else setInterval(() => {}, 1_000)
