import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { openSockets, parseTable } from '../../../scripts/soak/sockets.ts'

test('a row of /proc/net/tcp is read', () => {
  const table =
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n' +
    '   0: 0100007F:0C38 0100007F:D2F0 01 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000 20 4 30 10 -1\n'
  assert.deepEqual(parseTable(table), [
    { local: '0100007F:3128', remote: '0100007F:54000', state: 'ESTABLISHED', inode: '4711' },
  ])
})

test(
  'open sockets of a process are found, those that listen apart',
  { skip: process.platform !== 'linux' },
  async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const count = () =>
      openSockets(process.pid).filter(({ local, remote }) => `${local} ${remote}`.includes(`:${port}`)).length
    assert.equal(count(), 0)
    const accepted = once(server, 'connection')
    const client = connect(port, '127.0.0.1')
    const [socket] = (await accepted) as [{ destroy: () => void }]
    await once(client, 'connect').catch(() => undefined)
    assert.equal(count(), 2)
    client.destroy()
    socket.destroy()
    server.close()
  },
)
