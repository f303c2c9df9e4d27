import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { linesOf } from '../../../src/audit/sinks/lines.ts'
import { syslog, type SyslogOptions } from '../../../src/audit/sinks/syslog.ts'
import { testAuthority } from '../../support/authority.ts'
import { checkpointRow, eventRow, exchangeRow, exchangeRows, sinkContext } from '../../support/export-rows.ts'
import { datagramReceiver, syslogReceiver } from '../../support/syslog-receiver.ts'
import { tempFolder } from '../../support/temp.ts'

const open = (address: string, changes: Partial<SyslogOptions> = {}) => {
  const options: SyslogOptions = {
    type: 'syslog',
    address,
    format: 'json',
    facility: 'local0',
    bom: true,
    confirm: 'close',
    timeoutMs: 5_000,
    ...changes,
  }
  return syslog.create(options, sinkContext)
}
const forever = new AbortController().signal
const authority = testAuthority()
const folder = tempFolder('syslog')
const file = (name: string, pem: string): string => {
  writeFileSync(join(folder, name), pem)
  return join(folder, name)
}
const ca = file('ca.pem', authority.cert)
const client = authority.issue(['gate'], { usage: 'client' })
const identity = { clientCert: file('client.pem', client.cert), clientKey: file('client.key', client.key) }
const rows = [exchangeRow(1), eventRow(2), checkpointRow(3)]

for (const format of ['json', 'ocsf', 'ecs', 'cef', 'leef'] as const) {
  test(`tcp: ${format} arrives as it was written`, async () => {
    await using receiver = await syslogReceiver()
    const sink = open(`tcp://127.0.0.1:${receiver.port}`, { format })
    assert.deepEqual(await sink.send(rows, forever), [])
    await sink.close()
    assert.deepEqual(receiver.faults, [])
    const lines = linesOf(rows, format, sinkContext)
    assert.deepEqual(
      receiver.messages.map(({ text, msgId }) => [text, msgId]),
      lines.map(({ text, row }) => [text, row.table]),
    )
    assert.deepEqual(receiver.messages.at(-1)?.data, {
      'sallyport@32473': { id: 'checkpoint-3', table: 'checkpoints', block: '7' },
    })
  })
}

test('tls: verified, with a certificate of our own', async () => {
  const tls = { ...authority.issue(['127.0.0.1']), ca: authority.cert, requestCert: true, rejectUnauthorized: true }
  await using receiver = await syslogReceiver({ tls })
  const sink = open(`tls://127.0.0.1:${receiver.port}`, { ca, ...identity })
  await sink.send(rows, forever)
  await sink.send(exchangeRows(300), forever)
  await sink.close()
  assert.deepEqual(receiver.faults, [])
  assert.equal(receiver.messages.length, 303)
})

test('tls: a certificate for another name, an unknown authority, and no certificate of our own: nothing is delivered', async () => {
  const wanted = { ca: authority.cert, requestCert: true, rejectUnauthorized: true }
  const cases = [
    [{ ...authority.issue(['elsewhere.example']) }, { ca }, /ALTNAME/],
    [{ ...authority.issue(['127.0.0.1']) }, {}, /UNABLE_TO/],
    [{ ...authority.issue(['127.0.0.1']), ...wanted }, { ca }, /cannot deliver/],
  ] as const
  for (const [tls, options, message] of cases) {
    await using receiver = await syslogReceiver({ tls })
    const sink = open(`tls://127.0.0.1:${receiver.port}`, options)
    await assert.rejects(sink.send(rows, forever), { name: 'SinkError', message })
    await sink.close()
    assert.deepEqual(receiver.messages, [])
  }
})

test('udp: one message in each datagram', async () => {
  await using receiver = await datagramReceiver()
  const sink = open(`udp://127.0.0.1:${receiver.port}`)
  assert.deepEqual(await sink.send(exchangeRows(200), forever), [])
  await sink.close()
  assert.deepEqual(receiver.faults, [])
  assert.equal(receiver.messages.length, 200)
})

test('udp: what is too long for a datagram is refused, and the others go', async () => {
  await using receiver = await datagramReceiver()
  const sink = open(`udp://127.0.0.1:${receiver.port}`)
  const long = exchangeRow(2, { request_body: 'x'.repeat(70_000) })
  const refused = await sink.send([exchangeRow(1), long, exchangeRow(3)], forever)
  await sink.close()
  assert.equal(refused.length, 1)
  assert.equal(refused[0]?.index, 1)
  assert.match(refused[0]?.reason ?? '', /^longer than 65507 bytes, with 7\d{4}$/)
  assert.deepEqual(
    receiver.messages.map(({ text }) => (JSON.parse(text) as { id: string }).id),
    [exchangeRow(1).row.id, exchangeRow(3).row.id],
  )
})

test('udp: that nobody listens is told', async () => {
  const gone = await datagramReceiver()
  await gone[Symbol.asyncDispose]()
  const sink = open(`udp://127.0.0.1:${gone.port}`)
  await assert.rejects(sink.send(rows, forever), { name: 'SinkError', message: /ECONNREFUSED/ })
  await sink.close()
})

test('a bound of its own holds for all lines of a row', async () => {
  await using receiver = await syslogReceiver()
  const lengths = linesOf([exchangeRow(1)], 'ocsf', sinkContext).map(({ text }) => text.length)
  const sink = open(`tcp://127.0.0.1:${receiver.port}`, { format: 'ocsf', maxBytes: Math.max(...lengths) })
  const refused = await sink.send([exchangeRow(1), checkpointRow(1)], forever)
  await sink.close()
  assert.deepEqual(
    refused.map(({ index }) => index),
    [0],
  )
  assert.deepEqual(
    receiver.messages.map(({ msgId }) => msgId),
    ['checkpoints'],
  )
})

test('without a byte order mark there is none', async () => {
  await using receiver = await syslogReceiver()
  const sink = open(`tcp://127.0.0.1:${receiver.port}`, { bom: false, facility: 'audit' })
  await sink.send([exchangeRow(1)], forever)
  await sink.close()
  assert.equal(receiver.messages[0]?.bom, false)
  assert.equal((receiver.messages[0]?.priority ?? 0) >> 3, 13)
})
