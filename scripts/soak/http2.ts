import { once } from 'node:events'
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import { WebSocket } from 'ws'
import { tlsThrough } from '../../test/support/stage.ts'
import { prompt } from './http1.ts'
import { expect, faultyHost, host, pause, type Scenario, type Stage } from './scenario.ts'

/** HTTP/2 inside CONNECT, and WebSockets. */
export const http2: readonly Scenario[] = [
  { name: 'h2 many streams', play: (stage) => session(stage, manyStreams) },
  { name: 'h2 both ways at once', play: (stage) => session(stage, bothWays) },
  { name: 'h2 resets', play: (stage) => session(stage, resets) },
  { name: 'h2 origin faults', play: (stage) => session(stage, originFaults, faultyHost) },
  { name: 'websocket', play: websocket },
]

async function session(
  stage: Stage,
  use: (stage: Stage, session: ClientHttp2Session) => Promise<void>,
  name = host,
): Promise<void> {
  const tls = await tlsThrough(stage.proxyPort, `${name}:443`, stage.ca, ['h2'])
  stage.connected()
  tls.on('error', () => {})
  const session = connect(`https://${name}`, { createConnection: () => tls })
  session.on('error', () => {})
  try {
    await use(stage, session)
  } finally {
    if (stage.random.chance(0.5)) session.close()
    else session.destroy()
    if (stage.random.chance(0.5)) tls.destroy()
    setTimeout(() => session.destroy(), 50)
  }
}

type Whole = { readonly status: number; readonly body: string; readonly code: number; readonly trailers: unknown }

async function whole(stream: ClientHttp2Stream): Promise<Whole> {
  let status = 0
  let trailers: unknown
  const pieces: Buffer[] = []
  stream
    .on('response', (headers) => (status = Number(headers[':status'])))
    .on('trailers', (fields) => (trailers = fields))
    .on('data', (piece: Buffer) => pieces.push(piece))
    .on('error', () => {})
  if (!stream.closed) await new Promise((resolve) => stream.once('close', resolve))
  return { status, body: Buffer.concat(pieces).toString('latin1'), code: stream.rstCode ?? 0, trailers }
}

function told({ status, code, body }: Whole): string {
  return `${status}, code ${code}, ${body.length} bytes${status >= 400 ? ` ${body.slice(0, 200)}` : ''}`
}

function send(stage: Stage, session: ClientHttp2Session, what: string, body?: string): ClientHttp2Stream {
  const stream = session.request({
    ':method': body === undefined ? 'GET' : 'POST',
    ':path': stage.path(what),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  })
  stream.on('error', () => {})
  if (body !== undefined) stream.end(body)
  return stream
}

async function manyStreams(stage: Stage, session: ClientHttp2Session): Promise<void> {
  const one = async () => {
    const what = stage.random.pick(['echo', 'echo', 'echo', 'events', 'large', 'late'])
    const body = what === 'echo' ? prompt(stage) : undefined
    const stream = send(stage, session, what, body)
    const got = await whole(stream)
    expect(got.status === 200 && got.code === 0, `${String(stream.sentHeaders[':path'])}: ${told(got)}`)
    if (body !== undefined)
      expect(got.body === body, `an h2 echo of ${body.length} bytes came back as ${got.body.slice(0, 80)}`)
    if (what === 'large') expect(got.body.length === 64 * 65_536, `large: ${got.body.length}`)
    if (what === 'events') expect(got.body.endsWith('[DONE]\n\n'), `events: ${got.body.slice(-60)}`)
  }
  await Promise.all(Array.from({ length: stage.random.between(1, 12) }, one))
}

async function bothWays(stage: Stage, session: ClientHttp2Session): Promise<void> {
  const stream = session.request({
    ':method': 'POST',
    ':path': stage.path('both'),
    'content-type': 'application/grpc',
    te: 'trailers',
  })
  const got = whole(stream)
  const pieces = Array.from({ length: stage.random.between(2, 10) }, (_, i) =>
    `${i}`.repeat(stage.random.between(1, 3_000)),
  )
  for (const piece of pieces) {
    stream.write(piece)
    await pause(stage.random.below(5))
  }
  if (stage.random.chance(0.2)) return void stream.close(8)
  stream.end()
  const { body, trailers } = await got
  expect(body === pieces.join(''), `both ways: ${told(await got)}`)
  expect((trailers as Record<string, unknown> | undefined)?.['grpc-status'] === '0', 'trailers were lost')
}

async function resets(stage: Stage, session: ClientHttp2Session): Promise<void> {
  const streams = Array.from({ length: stage.random.between(1, 10) }, () =>
    send(
      stage,
      session,
      stage.random.pick(['large', 'events', 'silence', 'late']),
      stage.random.chance(0.5) ? '{}' : undefined,
    ),
  )
  const ended = streams.map(whole)
  await pause(stage.random.below(60))
  for (const stream of streams) stream.close(8)
  await Promise.all(ended)
}

async function originFaults(stage: Stage, session: ClientHttp2Session): Promise<void> {
  const what = stage.random.pick(['reset', 'truncated', 'cut', 'garbage', 'failure', 'goaway'])
  const got = await whole(send(stage, session, what))
  const { status, code } = got
  if (what === 'failure') expect(status >= 500, `${what}: ${status}`)
  if (what === 'truncated' || what === 'cut')
    expect(code !== 0 || status >= 500, `${what}: looked complete (${status})`)
  if (what === 'reset' || what === 'garbage') expect(code !== 0 || status >= 500, `${what}: ${status}, code ${code}`)
  if (what === 'goaway') expect(status === 200 || status >= 500 || code !== 0, `${what}: ${status}`)
}

async function websocket(stage: Stage): Promise<void> {
  const tls = await tlsThrough(stage.proxyPort, `${host}:443`, stage.ca, ['http/1.1'])
  stage.connected()
  tls.on('error', () => {})
  const socket = new WebSocket(`wss://${host}${stage.path('ws')}`, {
    createConnection: () => tls,
    perMessageDeflate: stage.random.chance(0.5),
  })
  const ended = new Promise((resolve) => socket.once('close', resolve))
  try {
    await once(socket, 'open')
    socket.on('error', () => {})
    for (let i = stage.random.between(1, 8); i > 0; i--) {
      const text = `message ${i} ${'w '.repeat(stage.random.below(5_000))}`
      const back = once(socket, 'message')
      socket.send(text)
      expect(String(((await back) as [Buffer])[0]) === text, 'a message came back changed')
    }
    if (stage.random.chance(0.7)) {
      socket.close(4_001, 'enough')
      await ended
    }
  } finally {
    socket.terminate()
  }
}
