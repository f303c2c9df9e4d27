import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testAuthority } from '../support/authority.ts'
import { startParent } from '../support/parents.ts'
import { rawClient } from '../support/raw-client.ts'
import { freePorts } from '../support/free-ports.ts'
import { startSallyport } from '../support/sallyport.ts'
import { startStage } from '../support/stage.ts'

const authority = testAuthority()
const identity = authority.issue(['127.0.0.1'])
const user = 'ana@corp'
const password = 'p@ss:w/rd ü'
const policies = {
  'a.yaml': {
    intercept: [
      { hosts: ['tunnel.test'], action: 'tunnel' },
      { hosts: ['*'], action: 'inspect' },
    ],
  },
}

const wrong: [
  what: string,
  url: (scene: { port: number; own: number }) => string,
  code: string,
  status: number,
  words: RegExp,
][] = [
  ['that is not there', () => 'http://127.0.0.1:1', 'parent_proxy_failed', 502, /ECONNREFUSED/],
  ['whose name does not resolve', () => 'http://parent.invalid:1', 'parent_proxy_failed', 502, /does not resolve/],
  [
    'whose certificate is not trusted',
    ({ port }) => `https://127.0.0.1:${port}`,
    'parent_proxy_failed',
    502,
    /issuer is not known|self-signed|not accepted/,
  ],
  ['that is this proxy itself', ({ own }) => `http://127.0.0.1:${own}`, 'loop_detected', 508, /itself/],
]
test('a parent that cannot be used is told, in tunnels and in exchanges', async () => {
  const stranger = await startParent('https', { identity: testAuthority().issue(['127.0.0.1']) })
  const [own = 0] = await freePorts(1)
  for (const [what, url, code, status, words] of wrong) {
    const proxy = url({ port: stranger.port, own })
    await using sallyport = await startSallyport({
      config: { proxy: { listen: `127.0.0.1:${own}` }, upstream: { proxy } },
      policies,
    })
    const raw = await rawClient(own)
    raw.send('CONNECT tunnel.test:443 HTTP/1.1\r\nHost: x\r\n\r\n')
    const refused = await raw.answer()
    assert.deepEqual([refused.status, refused.header('sallyport-error')], [status, code], what)
    assert.match(refused.body, words)
    const plain = await rawClient(own)
    plain.send('GET http://a.test/plain HTTP/1.1\r\nHost: a.test\r\n\r\n')
    assert.deepEqual((await plain.answer()).status, status, what)
    plain.close()
    const rows = await sallyport.rowsWhen('exchanges', (some) => some[0]?.['error'] != null)
    assert.equal(rows[0]?.['error'], code, what)
  }
  stranger.close()
})

for (const kind of ['http', 'https', 'socks5'] as const) {
  test(`credentials that a parent of ${kind} does not accept are told, and its challenge does not reach the client`, async () => {
    const parent = await startParent(kind, { identity, user, password })
    const bare = `${kind}://127.0.0.1:${parent.port}`
    for (const proxy of [bare, bare.replace('//', '//ana:wr0ng-pw@')]) {
      await using stage = await startStage(() => undefined, {
        hosts: ['a.test'],
        authority,
        config: { upstream: { proxy } },
        policies,
      })
      const client = await stage.connect('a.test')
      client.send('GET /secure HTTP/1.1\r\nHost: a.test\r\n\r\n')
      const secure = await client.answer()
      client.close()
      const raw = await stage.raw()
      raw.send('GET http://plain.test/plain HTTP/1.1\r\nHost: plain.test\r\n\r\n')
      const plain = await raw.answer()
      raw.close()
      for (const answer of [secure, plain]) {
        assert.deepEqual([answer.status, answer.header('sallyport-error')], [502, 'parent_proxy_failed'])
        assert.equal(answer.header('proxy-authenticate'), undefined)
        assert.match(answer.body, /credentials/)
        assert.doesNotMatch(answer.body, /wr0ng-pw/)
      }
      assert.doesNotMatch(stage.sallyport.log(), /wr0ng-pw/)
    }
    parent.close()
  })
}
