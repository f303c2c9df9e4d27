import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { after, before, test } from 'node:test'
import { attesting, enrol } from '../support/attesting.ts'
import { startStage, type Stage } from '../support/stage.ts'

let stage: Stage
const laptop = attesting('laptop-1')

before(async () => {
  stage = await startStage((_, response) => void response.end('hello'), {
    hosts: ['inspected.test', 'tunnel.test', 'unread.test', 'denied.test'],
    config: { attestation: { accept: true, audience: 'egress-1' } },
    policies: {
      'a.yaml': {
        mismatch: 'allow',
        intercept: [
          { hosts: ['tunnel.test', 'unread.test'], action: 'tunnel' },
          { hosts: ['denied.test'], action: 'deny' },
          { hosts: ['*.test'], action: 'inspect' },
        ],
      },
    },
  })
  enrol(`${stage.sallyport.dir}/data`, laptop)
})

after(() => stage[Symbol.asyncDispose]())

const cases: readonly [
  host: string,
  sni: string,
  attested: boolean,
  expected: 'inspect' | 'tunnel' | 'attested' | 'deny',
][] = [
  ['tunnel.test', 'inspected.test', false, 'inspect'],
  ['inspected.test', 'tunnel.test', false, 'inspect'],
  ['tunnel.test', 'unread.test', false, 'tunnel'],
  ['tunnel.test', 'denied.test', false, 'deny'],
  ['tunnel.test', 'inspected.test', true, 'deny'],
  ['inspected.test', 'tunnel.test', true, 'deny'],
  ['tunnel.test', 'unread.test', true, 'attested'],
  ['tunnel.test', 'denied.test', true, 'deny'],
]
for (const [host, sni, attested, expected] of cases) {
  test(`where names may differ, ${host} with ${sni} in the hello${attested ? ', attested,' : ''} is ${expected}`, async () => {
    const known = new Set(stage.sallyport.rows('connections').map(({ id }) => id))
    const connected = stage.connect(`${host}:443`, {
      servername: sni,
      ca: stage.sallyport.ca() + stage.authority.cert,
      connectHeaders: attested ? `Sallyport-Attestation: ${laptop.token(`${host}:443`)}\r\n` : '',
    })
    if (expected === 'deny') await assert.rejects(connected, /UNRECOGNIZED_NAME|unrecognized name/)
    else {
      const client = await connected
      const ours = new X509Certificate(stage.sallyport.ca()).publicKey
      assert.equal(client.tls.getPeerX509Certificate()?.verify(ours), expected === 'inspect')
      client.send(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
      assert.equal((await client.answer()).status, 200)
      client.close()
    }
    const row = await stage.row('connections', ({ id }) => !known.has(id))
    assert.deepEqual([row['host'], row['sni'], row['handling']], [host, sni, expected])
  })
}
