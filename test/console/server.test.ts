import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { consoleDoor, type ConsoleParts } from '../../src/console/server.ts'

const parts: ConsoleParts = {
  health: () => ({ ready: true, reasons: [], warnings: ['a word'], facts: { policy: 'abc' } }),
  metrics: async () => ({ contentType: 'text/plain; version=0.0.4', body: 'sallyport_up 1\n' }),
  token: () => 'the-token',
  local: true,
  enroll: async (body, clientIp) => ({ status: 201, body: { bytes: body.length, clientIp } }),
}

async function asked(over: Partial<ConsoleParts>, path: string, init: RequestInit = {}) {
  const server = consoleDoor({ ...parts, ...over }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, init)
    const body = await answer.text()
    return { status: answer.status, header: (name: string) => answer.headers.get(name), body }
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

const notReady = { ready: false, reasons: ['ledger: cannot be written'], warnings: [], facts: {} }
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

type Case = [what: string, over: Partial<ConsoleParts>, path: string, init: RequestInit, status: number, body: RegExp]
const cases: Case[] = [
  ['the process lives', {}, '/healthz', {}, 200, /"alive"/],
  ['it lives also when it is not ready', { health: () => notReady }, '/healthz', {}, 200, /"alive"/],
  ['it is ready, with warnings and facts', {}, '/readyz', {}, 200, /"ready".*"a word".*"abc"/],
  [
    'it is not ready, with the reasons',
    { health: async () => notReady },
    '/readyz',
    {},
    503,
    /"not ready".*cannot be written/,
  ],
  ['metrics need no token on loopback', {}, '/metrics', {}, 200, /^sallyport_up 1\n$/],
  ['metrics need a token elsewhere', { local: false }, '/metrics', {}, 401, /token_required/],
  ['a wrong token is not enough', { local: false }, '/metrics', bearer('the-toke'), 401, /token_required/],
  ['the token is enough', { local: false }, '/metrics', bearer('the-token'), 200, /sallyport_up/],
  ['health needs no token anywhere', { local: false }, '/readyz', {}, 200, /ready/],
  ['a query is not part of the path', {}, '/healthz?x=1', {}, 200, /alive/],
  ['the door says what it has', {}, '/', {}, 200, /"sallyport".*\/readyz/],
  ['there is nothing else', {}, '/nothing', {}, 404, /not_found/],
  ['names of JavaScript are no pages', {}, '/constructor', {}, 404, /not_found/],
  ['nothing is changed here', {}, '/healthz', { method: 'POST' }, 405, /method_not_allowed/],
  ['HEAD has no body', {}, '/healthz', { method: 'HEAD' }, 200, /^$/],
]

for (const [what, over, path, init, status, body] of cases) {
  test(`the console: ${what}`, async () => {
    const answer = await asked(over, path, init)
    assert.equal(answer.status, status)
    assert.match(answer.body, body)
  })
}

test('a refusal for want of a token has a challenge', async () => {
  assert.match((await asked({ local: false }, '/metrics')).header('www-authenticate') ?? '', /^Bearer /)
})

test('health that cannot be told is no answer, and the door serves on', async () => {
  const health = () => {
    throw new Error('made up')
  }
  await assert.rejects(asked({ health }, '/readyz'))
  assert.equal((await asked({ health }, '/healthz')).status, 200)
})

const credentials: [authorization: string | undefined, status: number][] = [
  [undefined, 401],
  ['', 401],
  ['Bearer', 401],
  ['Bearer other', 401],
  ['Bearer the-token-x', 401],
  ['Basic the-token', 401],
  ['Bearer the-token', 200],
  ['bearer the-token', 200],
]

for (const [authorization, status] of credentials) {
  test(`elsewhere metrics asked for with ${authorization ?? 'nothing'} are ${status}`, async () => {
    const headers = authorization === undefined ? {} : { authorization }
    assert.equal((await asked({ local: false }, '/metrics', { headers })).status, status)
  })
}

test('an empty token lets nobody in', async () => {
  const closed = { local: false, token: () => '' }
  for (const headers of [{}, { authorization: 'Bearer' }, { authorization: 'Bearer ' }] as Record<string, string>[])
    assert.equal((await asked(closed, '/metrics', { headers })).status, 401)
})

test('a method that would change something is told which ones do not', async () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const answer = await asked({}, '/metrics', { method })
    assert.deepEqual([answer.status, answer.header('allow')], [405, 'GET, HEAD'])
  }
})

const enrolments: [what: string, init: RequestInit, status: number, body: RegExp][] = [
  ['JSON is taken', json('{"a":1}'), 201, /"bytes":7,"clientIp":"127\.0\.0\.1"/],
  ['as much as there may be', json('x'.repeat(4_096)), 201, /"bytes":4096/],
  ['nothing is for others to judge', json(''), 201, /"bytes":0/],
  ['too much is refused', json('x'.repeat(4_097)), 413, /too_large/],
  ['far too much is refused', json('x'.repeat(1_000_000)), 413, /too_large/],
  ['a form of a page is refused', { method: 'POST', body: 'x' }, 415, /unsupported_media_type/],
  ['another type is refused', json('x', 'application/jsonx'), 415, /unsupported_media_type/],
  ['looking is refused', {}, 405, /method_not_allowed/],
]

function json(body: string, type = 'application/json; charset=utf-8'): RequestInit {
  return { method: 'POST', body, headers: { 'content-type': type } }
}

for (const [what, init, status, body] of enrolments) {
  test(`enrolment: ${what}`, async () => {
    const answer = await asked({ local: false }, '/enroll', init)
    assert.equal(answer.status, status)
    assert.match(answer.body, body)
  })
}

test('an enrolment that may be tried later says when', async () => {
  const enroll = async () => ({ status: 503, body: { error: 'ledger_unavailable' }, retryAfterSeconds: 5 })
  const answer = await asked({ enroll }, '/enroll', json('{}'))
  assert.deepEqual([answer.status, answer.header('retry-after')], [503, '5'])
})
