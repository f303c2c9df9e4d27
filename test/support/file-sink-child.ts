import { spawnSync } from 'node:child_process'
import { file } from '../../src/audit/sinks/file.ts'
import type { Sink } from '../../src/audit/sinks/sink.ts'
import { exchangeRow, exchangeRows, sinkContext } from './export-rows.ts'

// Run by tests: a process that writes a file until it is killed, or until its files may not grow.
const [path, how] = process.argv.slice(2) as [string, string]
const options = { type: 'file', path, rotateBytes: 1e9, keep: 1, format: 'json' }
const sink: Sink = file.create(options, sinkContext)
const forever = new AbortController().signal

if (how === 'full') {
  await sink.send([exchangeRow(1)], forever)
  // The signal that comes with the limit would end the process.
  process.on('SIGXFSZ', () => {})
  spawnSync('prlimit', [`--pid=${process.pid}`, '--fsize=8192'])
  const said = await sink.send(exchangeRows(100), forever).then(() => 'delivered', String)
  process.send?.(said)
  process.disconnect?.()
} else {
  await sink.send(exchangeRows(200), forever)
  process.send?.('writing')
  while (true) await sink.send(exchangeRows(200), forever)
}
