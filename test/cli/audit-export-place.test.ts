import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { recordExport, sinkNamed } from '../../src/cli/audit-export-place.ts'
import { loadConfig } from '../../src/config/load.ts'
import { sink as stream } from '../support/command-line.ts'
import { exportsIn, filled, hook } from '../support/exporting.ts'

async function place(sinks?: string) {
  const { cwd } = await filled(sinks)
  const [stdout, stderr] = [stream(), stream()]
  const io = { stdin: process.stdin, stdout: stdout.stream, stderr: stderr.stream, env: {}, cwd }
  const loaded = loadConfig({ env: {}, cwd })
  const config = { ...loaded, data: { dir: join(cwd, 'data') } }
  return { cwd, stderr, place: { config, io, json: false } }
}

test('a sink is found by its name; one that is not there is refused with those that are', async () => {
  const some = await place(hook('http://127.0.0.1:1/in'))
  assert.equal(sinkNamed(some.place, 'hook').type, 'webhook')
  assert.throws(() => sinkNamed(some.place, 'x'), { code: 'config_invalid', hint: 'There are: hook.' })
  const none = await place()
  assert.throws(() => sinkNamed(none.place, 'x'), { hint: '`audit.export` in the configuration has no sinks.' })
})

test('an export is an event of who did it; where that cannot be said, it is told', async () => {
  const it = await place()
  recordExport(it.place, 'csv', { rows: 3 })
  const [event] = exportsIn(it.cwd)
  assert.deepEqual([event?.subject, event?.after, typeof event?.who], ['csv', { rows: 3 }, 'string'])
  const elsewhere = { ...it.place, config: { ...it.place.config, data: { dir: '/dev/null/x' } } }
  recordExport(elsewhere, 'csv', { rows: 3 })
  assert.match(it.stderr.text(), /^note: this export could not be recorded/)
})
