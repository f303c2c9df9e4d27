import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startOrigin, type Origin } from '../support/origin.ts'
import { framing, hosts, syntax } from '../support/refused-requests.ts'
import { startStage, type Stage } from '../support/stage.ts'

const host = 'api.openai.com'
let stage: Stage
let plain: Origin

before(async () => {
  plain = await startOrigin((_seen, response) => void response.end('plain'))
  stage = await startStage((_seen, response) => void response.end('fine'), {
    hosts: [host],
    origin: { alpn: ['http/1.1'] },
    origins: { [`${host}:80`]: plain },
  })
})

after(async () => {
  await stage[Symbol.asyncDispose]()
  await plain.close()
})

const places = [
  { where: 'inside a CONNECT', at: '', connect: () => stage.connect(host) },
  { where: 'at the plain port', at: `http://${host}`, connect: () => stage.raw() },
]

const rows = (table: 'exchanges' | 'connections') => stage.sallyport.rows(table)

for (const { where, at, connect } of places) {
  for (const [number, { what, text, status, code, row }] of [...framing, ...syntax, ...hosts].entries()) {
    test(`${where}, ${what} is refused with ${status}, and nothing behind it is a request`, async () => {
      const seen = stage.origin.seen.length + plain.seen.length
      const [exchanges, connections] = [rows('exchanges').length, rows('connections').length]
      const client = await connect()
      client.send(`${text(at, host, `/r${number}`)}GET ${at}/smuggled HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
      const answer = await client.answer()
      assert.deepEqual([answer.status, answer.header('sallyport-error')], [status, code])
      assert.equal(await client.rest(), '')
      client.close()
      // The connection's row is written last; a connection of plain exchanges has none.
      const [last, count] = at !== '' && row === 'exchange' ? ['exchanges', exchanges] : ['connections', connections]
      await stage.sallyport.rowsWhen(last as 'exchanges', (some) => some.length > Number(count))
      const told = rows('exchanges').slice(exchanges)
      const ended = rows('connections').slice(connections)
      assert.equal(stage.origin.seen.length + plain.seen.length, seen)
      assert.deepEqual(
        told.map((one) => [one['status'], one['error'], one['state'], one['decision']]),
        row === 'exchange' ? [[status, code, 'done', 'error']] : [],
      )
      assert.deepEqual(
        ended.map((one) => one['error']),
        row === 'connection' ? [code] : at === '' ? [null] : [],
      )
    })
  }
}
