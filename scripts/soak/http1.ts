import { rawClient, throughProxy, type RawClient } from '../../test/support/raw-client.ts'
import { expect, host, pause, plainHost, secret, type Scenario, type Stage } from './scenario.ts'

/** HTTP/1.1 inside CONNECT, and plain. */
export const http1: readonly Scenario[] = [
  { name: 'h1 echo', play: (stage) => inside(stage, (client) => echoes(stage, client)) },
  { name: 'h1 chunked upload', play: (stage) => inside(stage, (client) => chunkedUpload(stage, client)) },
  { name: 'h1 large, read slowly', play: (stage) => inside(stage, (client) => large(stage, client)) },
  { name: 'h1 events', play: (stage) => inside(stage, (client) => events(stage, client)) },
  { name: 'h1 pipelined', play: (stage) => inside(stage, (client) => pipelined(stage, client)) },
  { name: 'h1 origin faults', play: (stage) => inside(stage, (client) => originFault(stage, client)) },
  { name: 'h1 early answer', play: (stage) => inside(stage, (client) => earlyAnswer(stage, client)) },
  { name: 'h1 half-close', play: (stage) => inside(stage, (client) => halfClose(stage, client)) },
  { name: 'plain http', play: plainHttp },
]

/** A verified connection inside CONNECT, closed whatever happens. */
export async function inside(stage: Stage, use: (client: RawClient) => Promise<void>): Promise<void> {
  const client = await throughProxy(stage.proxyPort, { ca: stage.ca, target: `${host}:443`, alpn: ['http/1.1'] })
  stage.connected()
  client.socket.on('error', () => {})
  try {
    await use(client)
  } finally {
    if (stage.random.chance(0.5)) client.end()
    else client.close()
  }
}

export function post(path: string, body: string, authority = host): string {
  return `POST ${path} HTTP/1.1\r\nHost: ${authority}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
}

export function prompt({ random }: Stage): string {
  return JSON.stringify({ text: `deploy with ${secret} please`, filler: 'x '.repeat(random.below(20_000)) })
}

const ask = (path: string) => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`

async function echoes(stage: Stage, client: RawClient): Promise<void> {
  for (let i = stage.random.between(1, 6); i > 0; i--) {
    const body = prompt(stage)
    client.send(post(stage.path('echo'), body))
    const answer = await client.answer()
    expect(answer.status === 200, `status ${answer.status}`)
    expect(answer.body === body, `an echo of ${body.length} bytes came back as ${answer.body.slice(0, 80)}`)
  }
}

async function chunkedUpload(stage: Stage, client: RawClient): Promise<void> {
  const pieces = Array.from({ length: stage.random.between(2, 30) }, (_, i) =>
    `${i} `.repeat(stage.random.between(1, 5_000)),
  )
  client.send(
    `POST ${stage.path('echo')} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n`,
  )
  for (const piece of pieces) {
    client.send(`${piece.length.toString(16)}\r\n${piece}\r\n`)
    if (stage.random.chance(0.2)) await pause(5)
  }
  client.send('0\r\n\r\n')
  const answer = await client.answer()
  expect(
    answer.status === 200 && answer.body === pieces.join(''),
    `upload: ${answer.status}, ${answer.body.length} bytes`,
  )
}

async function large(stage: Stage, client: RawClient): Promise<void> {
  client.send(ask(stage.path('large')))
  if (stage.random.chance(0.5)) {
    client.socket.pause()
    await pause(stage.random.between(20, 300))
    client.socket.resume()
  }
  if (stage.random.chance(0.2)) return void (await client.until(1_000))
  const answer = await client.answer()
  expect(answer.body.length === 64 * 65_536, `a large answer of ${answer.body.length} bytes`)
}

async function events(stage: Stage, client: RawClient): Promise<void> {
  client.send(ask(stage.path('events')))
  if (stage.random.chance(0.3)) return void (await client.until('"i":3'))
  const { body } = await client.answer()
  expect(body.endsWith('data: [DONE]\n\n') && body.includes('"i":19'), `events: ${body.slice(-80)}`)
}

async function pipelined(stage: Stage, client: RawClient): Promise<void> {
  const bodies = Array.from({ length: 5 }, (_, i) => JSON.stringify({ i }))
  client.send(bodies.map((body) => post(stage.path('echo'), body)).join(''))
  for (const body of bodies) expect((await client.answer()).body === body, 'answers out of order')
}

async function originFault(stage: Stage, client: RawClient): Promise<void> {
  const what = stage.random.pick([
    'reset',
    'truncated',
    'cut',
    'garbage',
    'failure',
    'late',
    'silence',
    'goaway',
    'hints',
  ])
  client.send(ask(stage.path(what)))
  if (what === 'silence') return pause(stage.random.between(10, 400))
  if (what === 'hints') await client.until('103 Early Hints')
  if (what === 'hints') await client.until('\r\n\r\n')
  const whole = await client.answer().then(
    (answer) => answer.status,
    () => undefined,
  )
  const wanted: Partial<Record<string, number>> = {
    failure: 500,
    late: 200,
    goaway: 200,
    hints: 200,
    reset: 502,
    garbage: 502,
  }
  expect(whole === wanted[what], `${what}: ${whole}`)
}

async function earlyAnswer(stage: Stage, client: RawClient): Promise<void> {
  client.send(
    `POST ${stage.path('early')} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: text/plain\r\nContent-Length: 300000\r\n\r\n`,
  )
  client.send('u'.repeat(150_000))
  if (stage.random.chance(0.5)) client.send('u'.repeat(150_000))
  else return pause(20)
  const { status } = await client.answer()
  expect(status === 413, `early answer: ${status}`)
}

async function halfClose(stage: Stage, client: RawClient): Promise<void> {
  client.send(post(stage.path('echo'), '{"half":1}'))
  client.end()
  await client.rest().catch(() => '')
}

async function plainHttp(stage: Stage): Promise<void> {
  const client = await rawClient(stage.proxyPort)
  client.socket.on('error', () => {})
  try {
    for (let i = stage.random.between(1, 4); i > 0; i--) {
      const body = prompt(stage)
      client.send(post(`http://${plainHost}${stage.path('echo')}`, body, plainHost))
      const answer = await client.answer()
      expect(answer.status === 200 && answer.body === body, `plain: ${answer.status} ${answer.body.slice(0, 80)}`)
    }
  } finally {
    client.close()
  }
}
