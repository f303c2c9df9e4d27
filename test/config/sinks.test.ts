import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatNames } from '../../src/audit/formats/index.ts'
import { createSink } from '../../src/audit/export/settings.ts'
import { type SinkOptions, sinks } from '../../src/audit/sinks/index.ts'
import { facilities } from '../../src/audit/sinks/syslog-message.ts'
import { configSchema } from '../../src/config/schema.ts'

const least = [
  { name: 'disk', type: 'file', path: 'x' },
  { name: 'soc', type: 'syslog', address: 'udp://127.0.0.1:514' },
  { name: 'hec', type: 'splunk', url: 'http://127.0.0.1:8088', token: 'made-up' },
  { name: 'es', type: 'elastic', url: 'http://127.0.0.1:9200', index: 'sallyport' },
  { name: 'otel', type: 'otlp', url: 'http://127.0.0.1:4318' },
  { name: 'hook', type: 'webhook', url: 'http://127.0.0.1/in', secret: 'made-up' },
]

const parsed = (entry: unknown) => configSchema.parse({ audit: { export: [entry] } }).audit.export[0]

test('every kind of sink can be configured, and made of its settings alone', async () => {
  assert.deepEqual(
    least.map(({ type }) => type),
    sinks.map(({ type }) => type),
  )
  for (const entry of least) {
    const settings = parsed(entry)
    assert.ok(settings)
    const options: SinkOptions = settings
    assert.equal(options.type, entry.type)
    await createSink(sinks, settings, { hostname: 'gate', version: '1', now: () => 0 }).close()
  }
})

test('what is not said has its default', () => {
  assert.deepEqual(parsed(least[0]), {
    name: 'disk',
    type: 'file',
    path: 'x',
    include: ['exchanges', 'connections', 'events'],
    bodies: false,
    batch: { rows: 500, bytes: 1_048_576, lingerMs: 200 },
    rotateBytes: 104_857_600,
    keep: 10,
    format: 'json',
  })
  assert.equal((parsed(least[3]) as { format: string }).format, 'ecs')
  assert.equal((parsed(least[4]) as { encoding: string }).encoding, 'protobuf')
})

test('a sink may take every format; Elasticsearch only those that are JSON', () => {
  for (const entry of least) {
    const taken = formatNames.filter(
      (format) => configSchema.safeParse({ audit: { export: [{ ...entry, format }] } }).success,
    )
    const wanted =
      entry.type === 'elastic' ? formatNames.filter((name) => !['cef', 'leef'].includes(name)) : formatNames
    assert.deepEqual(taken, wanted, entry.type)
  }
})

test('a facility is one that syslog knows', () => {
  const takes = (facility: string) => configSchema.safeParse({ audit: { export: [{ ...least[1], facility }] } }).success
  assert.deepEqual(
    facilities.filter((facility) => !takes(facility)),
    ['kern', 'mail', 'syslog', 'lpr', 'news', 'uucp', 'cron', 'ftp', 'ntp', 'alert', 'clock'],
  )
  assert.equal(takes('local8'), false)
})

test('a day and a time say when to begin', () => {
  const since = (text: string) => parsed({ ...least[0], since: text })?.since
  assert.equal(since('2026-11-30'), '2026-11-30T00:00:00.000Z')
  assert.equal(since('2026-11-30T08:00:00Z'), '2026-11-30T08:00:00.000Z')
  assert.equal(since('2026-11-30T08:00:00+01:00'), '2026-11-30T07:00:00.000Z')
  for (const text of ['yesterday', '2026-13-01', '2026-11-30T08:00', '7d']) assert.throws(() => since(text), text)
})

const wrong: [string, Record<string, unknown>][] = [
  ['a syslog address without a port', { ...least[1], address: 'tcp://siem.example' }],
  ['a syslog address of another protocol', { ...least[1], address: 'http://siem.example:514' }],
  ['a key of another kind of sink', { ...least[0], token: 'made-up' }],
  ['a kind that does not exist', { name: 'x', type: 'kafka' }],
  ['an empty token', { ...least[2], token: '' }],
  ['nothing to include', { ...least[0], include: [] }],
  ['a batch larger than the memory for it', { ...least[0], batch: { bytes: 16_777_217 } }],
  ['an unknown table', { ...least[0], include: ['keys'] }],
]

for (const [what, entry] of wrong) {
  test(`${what} is refused`, () => {
    assert.equal(configSchema.safeParse({ audit: { export: [entry] } }).success, false)
  })
}
