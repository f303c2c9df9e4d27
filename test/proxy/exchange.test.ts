import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startOrigin, type Origin } from '../support/origin.ts'
import { startStage, type Stage } from '../support/stage.ts'

const secret = 'AKIAZK3QXW5TN7RBJ2VD'
let stage: Stage
let plain: Origin

before(async () => {
  plain = await startOrigin(
    (seen, response) => void response.end(`${seen.method} ${seen.url} ${seen.header('host')} ${seen.text()}`),
  )
  stage = await startStage(() => {}, {
    hosts: ['secure.test'],
    origins: { 'seen.test:80': plain, 'seen.test:8080': plain, 'unseen.test:80': plain, 'denied.test:80': plain },
    policies: {
      'a.yaml': {
        intercept: [
          { hosts: ['denied.test'], action: 'deny', reason: 'not for us' },
          { hosts: ['seen.test', 'secure.test'], action: 'inspect' },
        ],
        rules: [{ name: 'keys', on: 'request', hook: 'secrets', action: 'redact' }],
      },
    },
  })
})

after(async () => {
  await stage[Symbol.asyncDispose]()
  await plain.close()
})

async function ask(request: string) {
  const client = await stage.raw()
  client.send(request)
  const answer = await client.answer()
  client.close()
  return answer
}

const passed: [what: string, target: string, host: string, seenUrl: string, seenHost: string][] = [
  ['the Host of the target', 'http://seen.test/a?b=1', 'seen.test', '/a?b=1', 'seen.test'],
  ['another Host, which is written anew', 'http://seen.test/b', 'unseen.test', '/b', 'seen.test'],
  ['a port', 'http://seen.test:8080/c', 'whatever', '/c', 'seen.test:8080'],
  ['no path', 'http://seen.test', 'seen.test', '/', 'seen.test'],
  ['capitals', 'HTTP://SEEN.test/d', 'x', '/d', 'seen.test'],
]

for (const [what, target, host, seenUrl, seenHost] of passed) {
  test(`a plain request with ${what} reaches the origin of its target`, async () => {
    assert.equal((await ask(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).body, `GET ${seenUrl} ${seenHost} `)
  })
}

test('a plain request to an inspected host is inspected and recorded', async () => {
  const answer = await ask(
    `POST http://seen.test/plain-inspected HTTP/1.1\r\nHost: seen.test\r\nContent-Type: text/plain\r\nContent-Length: 24\r\n\r\nkey ${secret}`,
  )
  assert.equal(answer.status, 200)
  assert.ok(!answer.body.includes(secret))
  const row = await stage.exchange('/plain-inspected')
  assert.deepEqual([row['host'], row['port'], row['decision'], row['rule']], ['seen.test', 80, 'redact', 'keys'])
})

test('a plain request to another host passes unread, and its connection is in the ledger', async () => {
  const answer = await ask(
    `POST http://unseen.test/unread HTTP/1.1\r\nHost: unseen.test\r\nContent-Type: text/plain\r\nContent-Length: 24\r\n\r\nkey ${secret}`,
  )
  assert.ok(answer.body.includes(secret))
  const row = await stage.row('connections', (one) => one['host'] === 'unseen.test')
  assert.deepEqual([row['port'], row['handling']], [80, 'tunnel'])
  assert.ok(!stage.sallyport.rows('exchanges').some((one) => one['path'] === '/unread'))
})

const refused: [what: string, request: string, status: number, error: string][] = [
  ['to a denied host', 'GET http://denied.test/x HTTP/1.1\r\nHost: denied.test\r\n\r\n', 403, 'policy_denied'],
  ['to the proxy itself', 'GET http://127.0.0.1:PORT/ HTTP/1.1\r\nHost: a\r\n\r\n', 508, 'loop_detected'],
  ['to a private address', 'GET http://10.9.8.7/ HTTP/1.1\r\nHost: a\r\n\r\n', 403, 'address_not_allowed'],
  ['with user information', 'GET http://me:pw@seen.test/ HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'malformed_request'],
  ['with another scheme', 'GET ftp://seen.test/ HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'malformed_request'],
  ['to a port that is none', 'GET http://seen.test:99999/ HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'malformed_request'],
]

for (const [what, request, status, error] of refused) {
  test(`a plain request ${what} is refused with ${status} and recorded`, async () => {
    const answer = await ask(request.replace('PORT', String(stage.sallyport.proxyPort)))
    assert.deepEqual([answer.status, answer.header('sallyport-error')], [status, error])
    const id = answer.header('sallyport-exchange')
    const row = await stage.row('exchanges', (one) => one['id'] === id)
    assert.deepEqual([row['error'], row['decision'], row['status']], [error, 'error', status])
  })
}

test('one connection serves requests to many hosts', async () => {
  const client = await stage.raw()
  for (const host of ['seen.test', 'unseen.test', 'denied.test', 'seen.test:8080']) {
    client.send(`GET http://${host}/many HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    assert.equal((await client.answer()).status, host === 'denied.test' ? 403 : 200)
  }
  client.close()
})
