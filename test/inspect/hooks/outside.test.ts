import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { createServer as createTls } from 'node:https'
import type { AddressInfo } from 'node:net'
import test from 'node:test'
import { outside } from '../../../src/inspect/hooks/outside.ts'
import { selfSigned } from '../../support/authority.ts'
import { outsideJudge } from '../../support/outside-judge.ts'

const body = Buffer.from('{}')
const terms = { what: 'webhook', maxBytes: 65_536 }
const asking = (url: string | URL) => outside(new URL(url), terms)
const calm = new AbortController().signal

test('the JSON of a 200 answer comes back, over one kept connection', async (t) => {
  const judge = await outsideJudge(t, { said: 'hällo' })
  const post = asking(judge.url)
  for (let i = 0; i < 3; i++) assert.deepEqual(await post(body, { 'x-own': 's' }, calm), { said: 'hällo' })
  assert.equal(judge.connections(), 1)
  const headers = judge.asked[0]?.headers
  assert.deepEqual([headers?.['content-type'], headers?.['x-own']], ['application/json', 's'])
})

for (const status of [201, 204, 301, 302, 307, 400, 500]) {
  test(`an answer with status ${status} is a failure, and nothing is followed`, async (t) => {
    const judge = await outsideJudge(t, { verdict: 'allow' }, { status, headers: { location: '/elsewhere' } })
    await assert.rejects(asking(judge.url)(body, { 'x-own': 's' }, calm), {
      code: 'hook_failed',
      message: new RegExp(`status ${status}`),
    })
    assert.equal(judge.asked.length, 1)
  })
}

test('an answer over 64 KB is a failure', async (t) => {
  const judge = await outsideJudge(t, `"${'x'.repeat(65_535)}"`)
  await assert.rejects(asking(judge.url)(body, { 'x-own': 's' }, calm), /more than 65536 bytes/)
  const within = await outsideJudge(t, `"${'x'.repeat(65_534)}"`)
  assert.equal(await asking(within.url)(body, { 'x-own': 's' }, calm), 'x'.repeat(65_534))
})

test('a judge that is not there is a failure that names the host and nothing else of the URL', async (t) => {
  const judge = await outsideJudge(t, '')
  await judge.close()
  const url = new URL(judge.url)
  url.search = '?token=hidden'
  await assert.rejects(asking(url)(body, { 'x-own': 's' }, calm), (error: Error) => {
    assert.ok(error.message.includes(url.host) && !error.message.includes('hidden'))
    return true
  })
})

test('an answer cut short is a failure', async (t) => {
  const judge = await outsideJudge(t, '{"verdict":', { headers: { 'content-length': '99' }, hangUp: true })
  await assert.rejects(asking(judge.url)(body, { 'x-own': 's' }, calm), { code: 'hook_failed' })
})

test('a kept connection that the judge has closed is replaced', async (t) => {
  const judge = await outsideJudge(t, '"ok"')
  const post = asking(judge.url)
  await post(body, { 'x-own': 's' }, calm)
  judge.dropIdle()
  assert.equal(await post(body, { 'x-own': 's' }, calm), 'ok')
  assert.equal(judge.connections(), 2)
})

test('the signal ends the question', async (t) => {
  const judge = await outsideJudge(t, undefined)
  const limit = new AbortController()
  const asked = asking(judge.url)(body, { 'x-own': 's' }, limit.signal)
  await judge.someoneAsks
  limit.abort(new Error('late'))
  await assert.rejects(asked, { code: 'hook_failed' })
})

const wrong: [what: string, reply: string, headers: Record<string, string>, why: RegExp][] = [
  ['another media type', '{}', { 'content-type': 'text/html' }, /not JSON/],
  ['a media type that only begins so', '{}', { 'content-type': 'application/jsonp' }, /not JSON/],
  ['a coding', '{}', { 'content-encoding': 'gzip' }, /coding/],
  ['no JSON', 'allow', {}, /cannot be read: not JSON/],
  ['a name twice', '{"verdict":"allow","verdict":"block"}', {}, /twice/],
  ['a number that is none', '{"score":NaN}', {}, /not JSON/],
  ['nothing', '', {}, /not JSON/],
]

for (const [what, reply, headers, why] of wrong) {
  test(`${what} is a failure, whose message does not repeat it`, async (t) => {
    const judge = await outsideJudge(t, reply, { headers })
    await assert.rejects(asking(judge.url)(body, {}, calm), (error: Error) => {
      assert.match(error.message, why)
      assert.ok(reply.length < 3 || !error.message.includes(reply))
      return true
    })
  })
}

for (const type of ['application/json; charset=utf-8', 'Application/JSON', 'application/problem+json']) {
  test(`${type} is JSON`, async (t) => {
    const judge = await outsideJudge(t, { a: 1 }, { headers: { 'content-type': type } })
    assert.deepEqual(await asking(judge.url)(body, {}, calm), { a: 1 })
  })
}

test('an answer that drips is over when the time is', async (t) => {
  const server = createServer((_, answer) => {
    answer.writeHead(200, { 'content-type': 'application/json' })
    const drip = setInterval(() => answer.write(' '), 5)
    answer.on('close', () => clearInterval(drip))
  })
  await new Promise<void>((ready) => void server.listen(0, '127.0.0.1', ready))
  t.after(() => void server.close().closeAllConnections())
  const { port } = server.address() as AddressInfo
  const limit = new AbortController()
  const asked = asking(`http://127.0.0.1:${port}/`)(body, {}, limit.signal)
  setTimeout(() => limit.abort(), 60)
  await assert.rejects(asked, { code: 'hook_failed' })
})

test('a certificate that nobody vouches for is a failure', async (t) => {
  const { key, cert } = selfSigned('localhost')
  const server = createTls({ key, cert }, (_, answer) => void answer.end('{}'))
  await new Promise<void>((ready) => void server.listen(0, '127.0.0.1', ready))
  t.after(() => void server.close().closeAllConnections())
  const { port } = server.address() as AddressInfo
  await assert.rejects(asking(`https://localhost:${port}/`)(body, {}, calm), { code: 'hook_failed' })
})
