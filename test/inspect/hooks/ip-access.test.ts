import assert from 'node:assert/strict'
import test from 'node:test'
import { ipAccess } from '../../../src/inspect/hooks/ip-access.ts'
import { ask, env } from '../../support/hooks.ts'

const cases: [{ allow?: string[]; deny?: string[] }, string, boolean][] = [
  [{ allow: ['10.0.0.0/8'] }, '10.1.2.3', true],
  [{ allow: ['10.0.0.0/8'] }, '11.1.2.3', false],
  [{ allow: ['10.0.0.0/8'] }, '::ffff:10.1.2.3', true],
  [{ allow: ['10.0.0.0/8'], deny: ['10.1.0.0/16'] }, '10.1.2.3', false],
  [{ deny: ['2001:db8::/32'] }, '2001:db8::1', false],
  [{ deny: ['2001:db8::/32'] }, '2001:db9::1', true],
  [{ allow: ['192.0.2.7'] }, '192.0.2.7', true],
]

for (const [options, clientIp, admitted] of cases) {
  test(`${clientIp} is ${admitted ? 'admitted' : 'refused'} by ${JSON.stringify(options)}`, async () => {
    const { findings } = await ask(ipAccess.create(options, env), { facts: { clientIp } })
    assert.deepEqual(
      findings.map((one) => one.type),
      admitted ? [] : ['IP_ACCESS'],
    )
  })
}

test('a client whose address is not known is a failure, not an admission', async () => {
  for (const clientIp of [null, '', 'unix:', 'example.org']) {
    await assert.rejects(
      async () => ask(ipAccess.create({ deny: ['10.0.0.0/8'] }, env), { facts: { clientIp } }),
      /not known/,
    )
  }
})

test('networks that are none, and no networks at all, are refused', () => {
  for (const options of [{ allow: ['10.0.0.0/33'] }, { deny: ['host'] }, { deny: ['10.0.0.0/x'] }, {}]) {
    assert.equal(ipAccess.options.safeParse(options).success, false)
  }
})
