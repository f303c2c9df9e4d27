import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sendDatagrams } from '../../../src/audit/sinks/syslog-datagrams.ts'
import { datagramReceiver } from '../../support/syslog-receiver.ts'

const message = (size: number, number = 0): Buffer => {
  const head = `<134>1 2026-11-21T03:00:00Z gate sallyport ${number} events - `
  return Buffer.from(head + 'x'.repeat(size - head.length))
}
const signal = new AbortController().signal

test('a megabyte of messages arrives whole, because it is sent in pieces', async () => {
  await using receiver = await datagramReceiver()
  const messages = Array.from({ length: 500 }, (_, number) => message(2_048, number))
  await sendDatagrams(messages, { at: { host: '127.0.0.1', port: receiver.port }, signal, timeoutMs: 5_000 })
  assert.deepEqual(receiver.faults, [])
  assert.deepEqual(
    receiver.messages.map(({ procId }) => Number(procId)),
    messages.map((_, number) => number),
  )
})

test('the largest message that a datagram holds goes, one byte more does not', async () => {
  await using receiver = await datagramReceiver()
  const terms = { at: { host: '127.0.0.1', port: receiver.port }, signal, timeoutMs: 5_000 }
  await sendDatagrams([message(65_507)], terms)
  await assert.rejects(sendDatagrams([message(65_508)], terms), { name: 'SinkError', message: /EMSGSIZE/ })
  assert.equal(receiver.messages.length, 1)
})

test('a delivery that takes too long, and one that is stopped, say so', async () => {
  await using receiver = await datagramReceiver()
  const at = { host: '127.0.0.1', port: receiver.port }
  const many = Array.from({ length: 2_000 }, () => message(60_000))
  await assert.rejects(sendDatagrams(many, { at, signal, timeoutMs: 50 }), {
    name: 'SinkError',
    message: /not done within 50 ms/,
  })
  const stopping = AbortSignal.abort(new Error('stopping'))
  await assert.rejects(sendDatagrams(many, { at, signal: stopping, timeoutMs: 5_000 }), { message: 'stopping' })
})

test('a name that does not resolve is told', async () => {
  const at = { host: 'nowhere.invalid', port: 514 }
  await assert.rejects(sendDatagrams([message(100)], { at, signal, timeoutMs: 5_000 }), { name: 'SinkError' })
})
