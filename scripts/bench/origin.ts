// The origin of the benchmarks: TLS, HTTP/1.1 read with the least work, prepared answers. Run as a child; says its port by IPC.
import { once } from 'node:events'
import { createServer as createTcp, type AddressInfo, type Socket } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import { paceMs, streamEvents } from './jobs.ts'
import { chatAnswer, chatEvent, restamp } from './payload.ts'

const whole = chatAnswer(2_048)
let answered = 0

function serve(socket: TLSSocket): void {
  let head = ''
  let missing = 0
  let chunked = false
  let mode = 'json'
  let tail = ''
  socket.setNoDelay(true)
  socket.on('error', () => {})
  socket.on('data', (bytes: Buffer) => {
    let rest = bytes
    if (missing === 0 && !chunked) {
      head += bytes.toString('latin1')
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      rest = bytes.subarray(bytes.length - (head.length - end - 4))
      const fields = head.slice(0, end)
      missing = Number(/\r\ncontent-length: *(\d+)/i.exec(fields)?.[1] ?? 0)
      chunked = missing === 0 && /\r\ntransfer-encoding: *chunked/i.test(fields)
      mode = /\r\nx-bench-answer: *(\w+)/i.exec(fields)?.[1] ?? 'json'
      head = ''
    }
    if (chunked) {
      // Requests here never hold this but as the last chunk.
      tail = (tail + rest.toString('latin1', Math.max(0, rest.length - 5))).slice(-5)
      if (tail !== '0\r\n\r\n') return
      tail = ''
      chunked = false
    } else {
      missing -= rest.length
      if (missing > 0) return
    }
    missing = 0
    if (mode === 'json') socket.write(restamp(whole, ++answered))
    else if (mode === 'slow') everySecond(socket)
    else stream(socket, mode === 'paced')
  })
}

function stream(socket: TLSSocket, paced: boolean): void {
  socket.write(streamHead)
  let sent = 0
  const send = () => sendEvent(socket, sent++)
  const finish = () => void socket.write('e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n')
  if (!paced) {
    socket.cork()
    for (let i = 0; i < streamEvents; i++) send()
    finish()
    socket.uncork()
    return
  }
  const timer = setInterval(() => {
    if (socket.destroyed) return clearInterval(timer)
    send()
    if (sent < streamEvents) return
    clearInterval(timer)
    finish()
  }, paceMs)
}

// Until the client goes away; the streams' seconds begin at different times.
function everySecond(socket: TLSSocket): void {
  socket.write(streamHead)
  let sent = 0
  sendEvent(socket, sent++)
  let timer = setTimeout(() => {
    timer = setInterval(() => sendEvent(socket, sent++), 1_000)
  }, Math.random() * 1_000)
  socket.on('close', () => clearInterval(timer))
}

function sendEvent(socket: TLSSocket, index: number): void {
  const event = chatEvent(index, process.hrtime.bigint())
  socket.write(`${event.length.toString(16)}\r\n${event}\r\n`)
}

// `up N` or `down N`, a line feed, then so many bytes that way.
function serveBytes(socket: Socket): void {
  socket.on('error', () => {})
  socket.once('data', (first: Buffer) => {
    const end = first.indexOf(10)
    const [way, count] = first.toString('latin1', 0, end).split(' ')
    let left = Number(count)
    const took = (length: number) => {
      left -= length
      if (left <= 0) socket.write('k')
    }
    if (way === 'down') return void sendBytes(socket, left)
    took(first.length - end - 1)
    socket.on('data', (chunk: Buffer) => took(chunk.length))
  })
}

async function sendBytes(socket: Socket, count: number): Promise<void> {
  const gone = once(socket, 'close')
  for (let left = count; left > 0 && !socket.destroyed; left -= block.length) {
    if (!socket.write(left < block.length ? block.subarray(0, left) : block))
      await Promise.race([once(socket, 'drain'), gone])
  }
}

const streamHead = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n'
const block = Buffer.alloc(65_536, 'bytes ')

process.on('message', ({ cert, key }: { cert: string; key: string }) => {
  const server = createServer({ cert, key, ALPNProtocols: ['http/1.1'] }, serve)
  server.on('tlsClientError', () => {})
  const plain = createTcp({ noDelay: true }, serveBytes)
  plain.listen(0, '127.0.0.1', 4_096)
  const portOf = (one: typeof plain | typeof server) => (one.address() as AddressInfo).port
  server.listen(0, '127.0.0.1', 4_096, () => process.send?.({ port: portOf(server), bytesPort: portOf(plain) }))
})
process.on('disconnect', () => process.exit(0))
