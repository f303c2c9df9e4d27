import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startOrigin, type Origin } from '../support/origin.ts'
import { rawClient } from '../support/raw-client.ts'
import { startSallyport, type Sallyport } from '../support/sallyport.ts'

let sallyport: Sallyport
let loopback: Origin

before(async () => {
  loopback = await startOrigin((_seen, response) => void response.end('reached'))
  sallyport = await startSallyport({
    policies: {
      'a.yaml': {
        intercept: [
          { hosts: ['*.tunnel.test', '*.localhost', '192.168.*'], action: 'tunnel' },
          { hosts: ['*'], action: 'inspect' },
        ],
      },
    },
  })
})
after(async () => {
  await sallyport[Symbol.asyncDispose]()
  await loopback.close()
})

const special = [
  '127.0.0.1',
  '127.0.0.1.',
  '127.1.2.3',
  '0.0.0.0',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '[::1]',
  '[::]',
  '[0:0:0:0:0:0:0:1]',
  '[::ffff:127.0.0.1]',
  '[::FFFF:7F00:1]',
  '[::7f00:1]',
  '[64:ff9b::7f00:1]',
  '[2002:7f00:1::]',
  '[2001:0:53aa:64c::1]',
  '[fe80::1]',
  '[fd00::1]',
  'localhost',
  'LOCALHOST.',
  'x.localhost',
]
const unreadable = [
  '2130706433',
  '0x7f000001',
  '0177.0.0.1',
  '127.1',
  '[fe80::1%25eth0]',
  '[127.0.0.1]',
  '[::1',
  '127.0.0.1..',
  'a..test',
  'user@127.0.0.1',
  'user:secret@127.0.0.1',
]
// As UTF-8: bytes that some would read as digits and dots.
const foreign = ['127\u30020\u30020\u30021', '\u{FF11}\u{FF12}\u{FF17}.0.0.1', '\u{FF4C}ocalhost']

for (const host of special) {
  test(`${host} is refused as a CONNECT target and in a plain request, with a row of each`, async () => {
    for (const secure of [true, false]) {
      const at = `${host}:${loopback.port}`
      const { status, code } = await ask(secure ? `CONNECT ${at}` : `GET http://${at}/${encodeURIComponent(host)}`, at)
      assert.deepEqual([status, code], [403, 'address_not_allowed'])
    }
    const rows = await sallyport.rowsWhen('exchanges', (some) => some.some((row) => isFor(row, host)))
    const row = rows.find((one) => isFor(one, host))
    assert.equal(row?.['error'], 'address_not_allowed')
    const denied = (one: Record<string, unknown>): boolean =>
      one['error'] === 'address_not_allowed' && one['host'] === row?.['host'] && one['handling'] === 'deny'
    await sallyport.rowsWhen('connections', (some) => some.some(denied))
  })
}

for (const host of [...unreadable, ...foreign]) {
  test(`${host} is refused in both places, and leaves a row of each`, async () => {
    for (const secure of [true, false]) {
      const before = rowCount()
      const at = `${host}:${loopback.port}`
      const { status, code } = await ask(secure ? `CONNECT ${at}` : `GET http://${at}/`, 'x')
      assert.ok([400, 403].includes(status), String(status))
      assert.match(code ?? 'malformed_request', /^(malformed_request|address_not_allowed)$/)
      await moreRowsThan(before)
    }
  })
}

test('nothing of all this reached an origin', () => {
  assert.equal(loopback.connections(), 0)
})

const rowCount = (): number => sallyport.rows('exchanges').length + sallyport.rows('connections').length

async function moreRowsThan(before: number): Promise<void> {
  for (let waited = 0; rowCount() <= before; waited += 10) {
    if (waited > 60_000) throw new Error('no row was written')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

async function ask(line: string, host: string): Promise<{ status: number; code: string | undefined }> {
  const client = await rawClient(sallyport.proxyPort)
  client.send(Buffer.from(`${line} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, 'utf8'))
  const answer = await client.answer()
  client.close()
  return { status: answer.status, code: answer.header('sallyport-error') }
}

function isFor(row: Record<string, unknown>, host: string): boolean {
  return row['path'] === `/${encodeURIComponent(host)}` && row['state'] !== 'open'
}
