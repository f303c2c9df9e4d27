import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { endianness } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { lookup } from '../../../src/proxy/process/lookup.ts'
import type { Ends } from '../../../src/proxy/process/socket-table.ts'
import { tempFolder } from '../../support/temp.ts'

const onLinux = { skip: process.platform !== 'linux' && 'there is no /proc' }

test('the program that opened a connection is found', onLinux, async () => {
  const script = join(tempFolder('client'), 'client.mjs')
  writeFileSync(script, `import { connect } from 'node:net'; connect(Number(process.argv[2]), '127.0.0.1')`)
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const child = spawn(process.execPath, [script, String((server.address() as AddressInfo).port)], { stdio: 'ignore' })
  try {
    const [socket] = (await once(server, 'connection')) as [Socket]
    const { programs } = lookup({ now: () => performance.now(), worked: () => 0 })
    const elsewhere: Ends = { client: { address: '192.0.2.1', port: 9 }, server: null }
    assert.deepEqual(programs([endsOf(socket), elsewhere]), [`${process.execPath} ${script}`, null])
    socket.destroy()
  } finally {
    child.kill('SIGKILL')
    server.close()
  }
})

test('looking rests for what it took, in the long run', () => {
  const { clock, look, find } = scene()
  assert.equal(find(10), '/usr/bin/curl')
  assert.equal(look.restsUntil(), 0, 'there is something in hand at first')
  find(20)
  find(30)
  assert.equal(look.restsUntil(), 500, '10 ms too much, at a fiftieth of a core')
  clock.time = 500
  assert.equal(look.restsUntil(), 500)
  clock.time = 1_000_000
  find(60)
  assert.equal(look.restsUntil(), 1_000_500, 'no more than a moment is saved up')
})

test('without anything in hand only new processes are looked at, and those that were found before', () => {
  const { look, find, processes } = scene()
  processes(40)
  assert.equal(find(40), '/usr/bin/curl', 'the oldest of all')
  assert.equal(find(0), '/usr/bin/curl')
  const other = scene()
  other.processes(40)
  other.find(0, 9)
  other.find(40, 9)
  assert.equal(other.find(0), null)
  other.clock.time = 10_000
  assert.equal(other.find(0), '/usr/bin/curl')
  assert.equal(look.restsUntil(), 0)
})

test('where there is no table nothing is found', () => {
  const { programs } = lookup({ now: () => 0, worked: () => 0, proc: tempFolder('nothing') })
  assert.deepEqual(programs([asked(1)]), [null])
})

/** A /proc in which process 3 is curl and has the connection from port 1; clocks stand still but for what a look is said to take. */
function scene() {
  const proc = tempFolder('proc')
  const local = endianness() === 'LE' ? '0100007F' : '7F000001'
  mkdirSync(join(proc, 'net'))
  writeFileSync(
    join(proc, 'net/tcp'),
    `head\n 0: ${local}:0001 ${local}:0C38 01 00000000:00000000 00:00000000 00000000 0 0 77 1\n`,
  )
  const add = (pid: number): void => {
    mkdirSync(join(proc, String(pid), 'fd'), { recursive: true })
  }
  add(3)
  symlinkSync('/usr/bin/curl', join(proc, '3/exe'))
  symlinkSync('socket:[77]', join(proc, '3/fd/5'))
  let work = 0
  const clock = { time: 0 }
  const look = lookup({ now: () => clock.time, worked: () => work, proc })
  const find = (ms: number, port = 1): string | null => {
    work += ms
    return look.programs([asked(port)])[0] ?? null
  }
  const processes = (count: number): void => Array.from({ length: count }, (_, i) => 100 + i).forEach(add)
  return { clock, look, find, processes }
}

function asked(port: number): Ends {
  return { client: { address: '127.0.0.1', port }, server: { address: '127.0.0.1', port: 3_128 } }
}

function endsOf(socket: Socket): Ends {
  return {
    client: { address: '127.0.0.1', port: socket.remotePort ?? 0 },
    server: { address: '127.0.0.1', port: socket.localPort ?? 0 },
  }
}
