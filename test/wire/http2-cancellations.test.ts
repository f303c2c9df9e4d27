import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2'
import { test } from 'node:test'
import type { OriginResponse } from '../support/origin.ts'
import { startStage, type Stage } from '../support/stage.ts'

/** An origin with the limits on resets that Node's HTTP/2 has by default; it answers all but `/held/…`, and `/long` when told. */
async function scene(): Promise<Stage & { readonly end: () => void }> {
  let long: OriginResponse | undefined
  const stage = await startStage(
    ({ url }, response) => {
      if (url === '/long') (long = response).writeHead(200, { 'content-type': 'text/plain' }).write('begun ')
      else if (!url.startsWith('/held/')) response.end('ok')
    },
    {
      hosts: ['two.test'],
      origin: { alpn: ['h2'] },
      policies: { 'a.yaml': { intercept: [{ hosts: ['*.test'], action: 'inspect' }] } },
    },
  )
  return { ...stage, end: () => long?.end('and ended') }
}

test('a client that cancels 2,000 requests does not hurt those of another to the same origin', async () => {
  await using one = await scene()
  const other = await one.http2('two.test')
  const long = other.request({ ':path': '/long' })
  const whole = textOf(long)
  await once(long, 'response')
  const answers: Promise<string>[] = []
  let held = 0
  for (let i = 0; i < 5; i += 1) {
    const client = await one.http2('two.test')
    for (let round = 0; round < 4; round += 1) {
      const streams = Array.from({ length: 100 }, (_, n) => get(client, `/held/${i}/${round}/${n}`))
      held += streams.length
      answers.push(textOf(get(other, `/good/${answers.length}`)))
      await seen(one, '/held/', held)
      for (const stream of streams) stream.close(8)
      answers.push(textOf(get(other, `/good/${answers.length}`)))
    }
    client.destroy()
  }
  assert.deepEqual(new Set(await Promise.all(answers)), new Set(['200 ok']))
  one.end()
  assert.equal(await whole, '200 begun and ended')
  other.destroy()
})

function get(session: ClientHttp2Session, path: string): ClientHttp2Stream {
  return session.request({ ':path': path }).on('error', () => {})
}

/** Status and body, or how the stream ended. */
async function textOf(stream: ClientHttp2Stream): Promise<string> {
  let text = ''
  stream.on('response', (headers) => (text = `${String(headers[':status'])} ${text}`))
  stream.setEncoding('utf8').on('data', (piece: string) => (text += piece))
  stream.on('error', () => {})
  if (!stream.closed) await new Promise((resolve) => stream.once('close', resolve))
  return stream.rstCode === 0 ? text : `${text}, reset with ${stream.rstCode}`
}

async function seen({ origin }: Stage, prefix: string, count: number): Promise<void> {
  while (origin.seen.filter(({ url }) => url.startsWith(prefix)).length < count)
    await new Promise((resolve) => setTimeout(resolve, 5))
}
