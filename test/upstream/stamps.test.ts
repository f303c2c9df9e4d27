import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SallyportError } from '../../src/core/errors.ts'
import { bothAttestations, carriers, stamps } from '../../src/upstream/stamps.ts'
import type { Stamp, Untold } from '../../src/upstream/stamps.ts'
import { http1 } from '../../src/upstream/http1.ts'
import { loopbackConnector, requestTo, scriptedOrigin, textOf } from '../support/scripted-origin.ts'

const about = { host: 'a.test', port: 443, attestation: '{"jti":"1"}' }

function scene() {
  const untold: Untold[] = []
  const { make, flush } = stamps((one) => untold.push(one))
  return { stamp: make(about), make, flush, untold, count: () => untold.length }
}

test('a stamp that no row tells of is told of once, when its connection has ended', () => {
  const { stamp, untold, flush } = scene()
  assert.equal(untold.length, 0)
  const error = new SallyportError('parent_proxy_failed', 'no')
  stamp.ended(error)
  stamp.ended()
  flush()
  assert.deepEqual(
    untold.map(({ at, ...one }) => [one, at instanceof Date]),
    [[{ ...about, error }, true]],
  )
})

test('one that a row tells of is not told of again, whoever else held it and whenever its connection ends', () => {
  const { stamp, count, flush } = scene()
  const [first, second] = [stamp.hold(), stamp.hold()]
  first(false)
  second(true)
  stamp.hold()(false)
  stamp.ended()
  flush()
  assert.equal(count(), 0)
})

test('while something holds it the end of its connection is no reason to tell of it', () => {
  const told = scene()
  const late = told.stamp.hold()
  told.stamp.ended()
  assert.equal(told.count(), 0)
  late(true)
  assert.equal(told.count(), 0)
  const never = scene()
  const [one, other] = [never.stamp.hold(), never.stamp.hold()]
  never.stamp.ended()
  one(false)
  assert.equal(never.count(), 0)
  other(false)
  assert.equal(never.count(), 1)
})

test('at the end those of open connections are told of, too', () => {
  const { stamp, make, count, flush } = scene()
  make(about)
  stamp.hold()
  flush()
  assert.equal(count(), 2)
  stamp.ended()
  assert.equal(count(), 2)
})

test('a row tells of the stamp of the last connection, the others are left to be told of', () => {
  const { make, untold } = scene()
  const [first, last] = ['1', '2'].map((jti) => make({ ...about, attestation: jti }))
  const { carried, told } = carriers()
  carried(first!)
  carried(last!)
  first!.ended()
  last!.ended()
  assert.deepEqual([told(), told()], ['2', '2'])
  assert.deepEqual(
    untold.map(({ attestation }) => attestation),
    ['1'],
  )
})

test('what is carried when the row is written already is none of it', () => {
  const { stamp, count } = scene()
  const { carried, told } = carriers()
  assert.equal(told(), null)
  carried(stamp)
  assert.equal(told(), null)
  stamp.ended()
  assert.equal(count(), 1)
})

test('a row has what came and what went', () => {
  const verdict = JSON.stringify({ outcome: 'valid', jti: 'a' })
  const stamp = JSON.stringify({ outcome: 'signed', jti: 'b' })
  assert.equal(bothAttestations(null, null), null)
  assert.equal(bothAttestations(verdict, null), verdict)
  assert.equal(bothAttestations(null, stamp), stamp)
  assert.deepEqual(JSON.parse(bothAttestations(verdict, stamp) ?? ''), {
    outcome: 'valid',
    jti: 'a',
    signed: { outcome: 'signed', jti: 'b' },
  })
})

test('a request tells of the stamp of each connection that takes it', async () => {
  await using origin = await scriptedOrigin(async (connection, index) => {
    await connection.until('\r\n\r\n')
    connection.send(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${index}`)
    // Gone as the second request comes.
    await connection.until('\r\n\r\n').catch(() => undefined)
    connection.reset()
  })
  const made = new Map<unknown, Stamp>()
  const { make } = stamps(() => undefined)
  const inner = loopbackConnector()
  const http = http1(
    {
      ...inner,
      async http(at, alpn) {
        const socket = await inner.http(at, alpn)
        made.set(socket, make({ host: at.host, port: at.port, attestation: String(made.size) }))
        return socket
      },
      stampOf: (socket) => made.get(socket),
    },
    { headersTimeoutMs: 20_000, idleTimeoutMs: 20_000 },
  )
  const seen: string[] = []
  for (const expected of ['0', '1']) {
    const request = requestTo(origin.port)
    const { scheme, host, port } = request.head.target
    const carried = ({ attestation }: Stamp): void => void seen.push(attestation)
    const sending = { signal: new AbortController().signal, inform: () => undefined, carried }
    assert.equal(await textOf((await http.send({ scheme, host, port }, request, sending)).body), expected)
  }
  assert.deepEqual(seen, ['0', '0', '1'])
  await http.close()
})
