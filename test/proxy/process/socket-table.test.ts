import assert from 'node:assert/strict'
import test from 'node:test'
import { socketSearch } from '../../../src/proxy/process/socket-table.ts'
import type { Ends } from '../../../src/proxy/process/socket-table.ts'

const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
const tail = '00000000:00000000 00:00000000 00000000  1000        0'
const row = (local: string, remote: string, inode: string, state = '01') =>
  `   1: ${local} ${remote} ${state} ${tail} ${inode} 1 0000000062 20 4 30 10 -1   \n`
const ends = (client: string, port: number, server: string | null, to = 3128): Ends => ({
  client: { address: client, port },
  server: server === null ? null : { address: server, port: to },
})

function inodes(asked: readonly Ends[], tables: readonly string[], littleEndian = true): (string | undefined)[] {
  const search = socketSearch(asked, littleEndian)
  for (const table of tables) {
    search.push(table)
    search.end()
  }
  return search.inodes()
}

const mapped = '0000000000000000FFFF00000100007F'
const one = ends('127.0.0.1', 0xd431, '127.0.0.1')
const cases: readonly [string, readonly Ends[], readonly string[], readonly (string | undefined)[]][] = [
  ['the row of the client is found', [one], [row('0100007F:D431', '0100007F:0C38', '77')], ['77']],
  ['the row of our own end is another', [one], [row('0100007F:0C38', '0100007F:D431', '77')], [undefined]],
  ['a row to another server does not fit', [one], [row('0100007F:D431', '08080808:0C38', '77')], [undefined]],
  [
    'of several with one local end the one to the server is taken',
    [one],
    [row('0100007F:D431', '08080808:01BB', '76') + row('0100007F:D431', '0100007F:0C38', '77')],
    ['77'],
  ],
  [
    'a socket that nobody holds any more is none',
    [one],
    [row('0100007F:D431', '0100007F:0C38', '0', '06')],
    [undefined],
  ],
  ['an IPv4 client may have an IPv6 socket', [one], ['', row(`${mapped}:D431`, `${mapped}:0C38`, '78')], ['78']],
  [
    'IPv6',
    [ends('2001:db8::1:2', 5, '::1')],
    ['', row('B80D0120000000000000000002000100:0005', '00000000000000000000000001000000:0C38', '79')],
    ['79'],
  ],
  [
    'a redirected client dialled another server',
    [ends('192.0.2.5', 0x1234, null)],
    [row('050200C0:1234', '08080808:01BB', '80')],
    ['80'],
  ],
  [
    'a redirected client that cannot be told from another is none',
    [ends('192.0.2.5', 0x1234, null)],
    [row('050200C0:1234', '08080808:01BB', '80') + row('050200C0:1234', '08080404:01BB', '81')],
    [undefined],
  ],
  [
    'several are found in one pass, in the order in which they were asked for',
    [ends('127.0.0.1', 2, '127.0.0.1'), ends('127.0.0.1', 9, '127.0.0.1'), ends('127.0.0.1', 1, '127.0.0.1')],
    [row('0100007F:0001', '0100007F:0C38', '11') + row('0100007F:0002', '0100007F:0C38', '12')],
    ['12', undefined, '11'],
  ],
  [
    'who is asked for twice is found twice',
    [one, ends('127.0.0.1', 0xd431, null)],
    [row('0100007F:D431', '0100007F:0C38', '77')],
    ['77', '77'],
  ],
  [
    'a row that is cut off is not read',
    [one],
    [row('0100007F:D431', '0100007F:0C38', '771').slice(0, -35)],
    [undefined],
  ],
  [
    'what is no row is passed over',
    [one],
    ['\n\n: \nx: y\n    : 0100007F:D431\n0: 0100007F:D431 0100007F:0C38'],
    [undefined],
  ],
]
for (const [name, asked, tables, expected] of cases) {
  test(name, () =>
    assert.deepEqual(
      inodes(
        asked,
        tables.map((rows) => head + rows),
      ),
      expected,
    ),
  )
}

test('addresses stand in the byte order of the machine', () => {
  assert.deepEqual(inodes([one], [row('7F000001:D431', '7F000001:0C38', '77')], false), ['77'])
  assert.deepEqual(inodes([one], [row('7F000001:D431', '7F000001:0C38', '77')], true), [undefined])
})

test('a table may come in pieces, cut anywhere', () => {
  const table = head + row('0100007F:0001', '0100007F:0C38', '11') + row('0100007F:D431', '0100007F:0C38', '77')
  for (let at = 0; at <= table.length; at += 1) {
    const search = socketSearch([one], true)
    search.push(table.slice(0, at))
    search.push(table.slice(at))
    assert.deepEqual(search.inodes(), ['77'], `cut at ${at}`)
  }
})
