import assert from 'node:assert/strict'
import test from 'node:test'
import { postJson } from '../../../src/inspect/hooks/webhook-post.ts'
import { outsideJudge } from '../../support/outside-judge.ts'

const body = Buffer.from('{}')
const calm = new AbortController().signal

test('the text of a 200 answer comes back, over one kept connection', async (t) => {
  const judge = await outsideJudge(t, 'hällo')
  const post = postJson(new URL(judge.url))
  for (let i = 0; i < 3; i++) assert.equal(await post(body, 's', calm), 'hällo')
  assert.equal(judge.connections(), 1)
  assert.equal(judge.asked[0]?.headers['content-type'], 'application/json')
})

for (const status of [201, 204, 301, 302, 307, 400, 500]) {
  test(`an answer with status ${status} is a failure, and nothing is followed`, async (t) => {
    const judge = await outsideJudge(t, { verdict: 'allow' }, { status, headers: { location: '/elsewhere' } })
    await assert.rejects(postJson(new URL(judge.url))(body, 's', calm), {
      code: 'hook_failed',
      message: new RegExp(`status ${status}`),
    })
    assert.equal(judge.asked.length, 1)
  })
}

test('an answer over 64 KB is a failure', async (t) => {
  const judge = await outsideJudge(t, 'x'.repeat(65_537))
  await assert.rejects(postJson(new URL(judge.url))(body, 's', calm), /more than 65536 bytes/)
  const within = await outsideJudge(t, 'x'.repeat(65_536))
  assert.equal((await postJson(new URL(within.url))(body, 's', calm)).length, 65_536)
})

test('a judge that is not there is a failure that names the host and nothing else of the URL', async (t) => {
  const judge = await outsideJudge(t, '')
  await judge.close()
  const url = new URL(judge.url)
  url.search = '?token=hidden'
  await assert.rejects(postJson(url)(body, 's', calm), (error: Error) => {
    assert.ok(error.message.includes(url.host) && !error.message.includes('hidden'))
    return true
  })
})

test('an answer cut short is a failure', async (t) => {
  const judge = await outsideJudge(t, '{"verdict":', { headers: { 'content-length': '99' }, hangUp: true })
  await assert.rejects(postJson(new URL(judge.url))(body, 's', calm), { code: 'hook_failed' })
})

test('a kept connection that the judge has closed is replaced', async (t) => {
  const judge = await outsideJudge(t, 'ok')
  const post = postJson(new URL(judge.url))
  await post(body, 's', calm)
  judge.dropIdle()
  assert.equal(await post(body, 's', calm), 'ok')
  assert.equal(judge.connections(), 2)
})

test('the signal ends the question', async (t) => {
  const judge = await outsideJudge(t, undefined)
  const limit = new AbortController()
  const asked = postJson(new URL(judge.url))(body, 's', limit.signal)
  await judge.someoneAsks
  limit.abort(new Error('late'))
  await assert.rejects(asked, { code: 'hook_failed' })
})
