import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSecureContext } from 'node:tls'
import { octetCounted } from '../../../src/audit/sinks/syslog-message.ts'
import { type StreamTerms, syslogStream } from '../../../src/audit/sinks/syslog-stream.ts'
import { testAuthority } from '../../support/authority.ts'
import { syslogReceiver } from '../../support/syslog-receiver.ts'

const forever = new AbortController().signal
const open = (port: number, changes: Partial<StreamTerms> = {}) =>
  syslogStream({ at: { host: '127.0.0.1', port }, confirm: 'close', timeoutMs: 2_000, ...changes })
const framed = (...texts: readonly string[]): Buffer =>
  Buffer.concat(
    texts.map((text) => octetCounted(Buffer.from(`<134>1 2026-11-21T03:00:00Z gate sallyport 1 events - ${text}`))),
  )

for (const confirm of ['close', 'flush'] as const) {
  test(`${confirm}: deliveries arrive in order`, async () => {
    await using receiver = await syslogReceiver()
    const stream = open(receiver.port, { confirm })
    for (const text of ['one', 'two', 'three']) await stream.send(framed(text), forever)
    await stream.close()
    assert.deepEqual(receiver.faults, [])
    assert.deepEqual(
      receiver.messages.map(({ text }) => text),
      ['one', 'two', 'three'],
    )
    assert.equal(receiver.connections(), confirm === 'close' ? 3 : 1)
  })

  test(`${confirm}: a receiver that cuts the connection has nothing`, async () => {
    await using receiver = await syslogReceiver()
    receiver.moods.push('cut', 1)
    const stream = open(receiver.port, { confirm })
    await assert.rejects(stream.send(framed('one', 'two'), forever), { name: 'SinkError', message: /ECONNRESET|EPIPE/ })
    await assert.rejects(stream.send(framed('one', 'two'), forever), { name: 'SinkError', message: /ECONNRESET|EPIPE/ })
    await stream.send(framed('one', 'two'), forever)
    await stream.close()
    assert.deepEqual(
      receiver.messages.map(({ text }) => text),
      ['one', 'one', 'two'],
    )
  })

  test(`${confirm}: a receiver that takes nothing is given up after a while`, async () => {
    await using receiver = await syslogReceiver()
    receiver.moods.push('deaf')
    const stream = open(receiver.port, { confirm, timeoutMs: 400 })
    const much = Buffer.concat(Array.from({ length: 40 }, () => framed('x'.repeat(1_000_000))))
    await assert.rejects(stream.send(much, forever), { name: 'SinkError', message: /not done within 400 ms/ })
    await stream.close()
  })

  test(`${confirm}: the signal ends a delivery with its reason`, async () => {
    await using receiver = await syslogReceiver()
    receiver.moods.push('deaf')
    const stream = open(receiver.port, { confirm })
    const stopping = new AbortController()
    const much = Buffer.concat(Array.from({ length: 40 }, () => framed('x'.repeat(1_000_000))))
    const sending = stream.send(much, stopping.signal)
    setTimeout(() => stopping.abort(new Error('stopping')), 100)
    await assert.rejects(sending, { message: 'stopping' })
    await assert.rejects(stream.send(much, stopping.signal), { message: 'stopping' })
    await stream.close()
  })

  test(`${confirm}: nobody there, and somebody again`, async () => {
    const gone = await syslogReceiver()
    await gone[Symbol.asyncDispose]()
    const stream = open(gone.port, { confirm })
    await assert.rejects(stream.send(framed('one'), forever), { name: 'SinkError', message: /ECONNREFUSED/ })
    await using receiver = await syslogReceiver({ port: gone.port })
    await stream.send(framed('one'), forever)
    await stream.close()
    assert.deepEqual(
      receiver.messages.map(({ text }) => text),
      ['one'],
    )
  })
}

test('close: a receiver that has taken all and hangs has not confirmed it', async () => {
  await using receiver = await syslogReceiver()
  receiver.moods.push('keeps')
  const stream = open(receiver.port, { timeoutMs: 400 })
  await assert.rejects(stream.send(framed('one'), forever), { name: 'SinkError', message: /needs `confirm: flush`/ })
  await stream.close()
})

test('flush: what was sent last comes again when the connection broke since', async () => {
  await using receiver = await syslogReceiver()
  const stream = open(receiver.port, { confirm: 'flush' })
  await stream.send(framed('one'), forever)
  await stream.send(framed('two'), forever)
  receiver.cut()
  await new Promise((resolve) => setTimeout(resolve, 50))
  await stream.send(framed('three'), forever)
  await stream.close()
  assert.deepEqual(
    receiver.messages.map(({ text }) => text),
    ['one', 'two', 'two', 'three'],
  )
})

test('a client that is turned away after the handshake has delivered nothing', async () => {
  const authority = testAuthority()
  const tls = { ...authority.issue(['127.0.0.1']), ca: authority.cert, requestCert: true, rejectUnauthorized: true }
  await using receiver = await syslogReceiver({ tls })
  const stream = open(receiver.port, { secureContext: createSecureContext({ ca: authority.cert }) })
  for (let n = 0; n < 10; n++) await assert.rejects(stream.send(framed('one'), forever), { name: 'SinkError' })
  await stream.close()
  assert.deepEqual(receiver.messages, [])
})
