import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newDeviceKey } from '../../src/attest/keys.ts'
import { parseToken } from '../../src/attest/token.ts'
import { wayOut } from '../../src/app/upstream.ts'
import { stamps } from '../../src/upstream/stamps.ts'
import type { Untold } from '../../src/upstream/stamps.ts'
import { testAuthority } from '../support/authority.ts'
import { startOrigin } from '../support/origin.ts'
import { startParent } from '../support/parents.ts'
import { configIn, keptLog } from '../support/app.ts'
import { tempFolder } from '../support/temp.ts'

const { log } = await keptLog()
const dir = tempFolder('way-out')
const outFor = (upstream: Record<string, unknown>, own: (address: string, port: number) => boolean = () => false) =>
  wayOut(configIn(dir, { upstream }), { isOwn: own, log, policy: () => '', stamp: stamps(() => undefined).make })

test('with a parent, its exceptions are resolved and guarded, and all else is carried', async () => {
  const { guard } = outFor({
    proxy: 'http://parent.test:1',
    noProxy: ['direct.test'],
    resolve: { 'direct.test:443': '127.0.0.1:9', 'a.test:443': '127.0.0.1:9' },
    allowPrivate: ['10.0.0.0/8'],
  })
  assert.deepEqual(await guard('direct.test', 443), { addresses: ['127.0.0.1'], port: 9 })
  assert.deepEqual(await guard('a.test', 443), { addresses: [], port: 443, carried: true })
  assert.deepEqual(await guard('10.1.2.3', 443), { addresses: ['10.1.2.3'], port: 443, carried: true })
  for (const host of ['127.0.0.1', '::1', '192.168.0.1', 'localhost', 'a.localhost']) {
    await assert.rejects(guard(host, 443), { code: 'address_not_allowed' }, host)
  }
})

test('the parent’s own address may be private, and may be set', async () => {
  const parent = await startParent('http')
  parent.routes.set('a.test:443', `127.0.0.1:${parent.port}`)
  for (const settings of [
    { proxy: `http://127.0.0.1:${parent.port}` },
    { proxy: 'http://parent.test:3128', resolve: { 'parent.test:3128': `127.0.0.1:${parent.port}` } },
  ]) {
    const socket = await outFor(settings).connector.tcp({ host: 'a.test', port: 443 })
    socket.destroy()
  }
  assert.deepEqual(parent.asked, ['a.test:443', 'a.test:443'])
  await assert.rejects(
    outFor({ proxy: `http://127.0.0.1:${parent.port}` }, (_address, port) => port === parent.port).connector.tcp({
      host: 'a.test',
      port: 443,
    }),
    { code: 'loop_detected' },
  )
  parent.close()
})

test('an own listener is not asked of a parent either', async () => {
  const { connector } = outFor({ proxy: 'http://parent.test:1', allowPrivate: ['127.0.0.0/8'] }, () => true)
  await assert.rejects(connector.tcp({ host: '127.0.0.1', port: 3128 }), { code: 'loop_detected' })
})

test('settings that cannot be used are faults of the configuration', () => {
  for (const upstream of [
    { ca: [`${dir}/missing.pem`] },
    { clientCerts: [{ hosts: ['a'], cert: `${dir}/missing.pem`, key: `${dir}/missing.key` }] },
    { proxy: 'http://a:b@parent.test/path' },
  ]) {
    assert.throws(() => outFor(upstream), { code: 'config_invalid' })
  }
})

const closing = <T extends { close: () => void }>(parent: T): T & Disposable => ({
  ...parent,
  [Symbol.dispose]: parent.close,
})
const authority = testAuthority()
writeFileSync(join(dir, 'authority.pem'), authority.cert)
writeFileSync(join(dir, 'device.pem'), newDeviceKey().privatePem, { mode: 0o600 })

for (const kind of ['http', 'https'] as const) {
  test(`each CONNECT to a parent of ${kind} carries a token of its own, and nothing else does`, async () => {
    await using secure = await startOrigin((_, response) => void response.end('ok'), {
      authority,
      names: ['a.test', 'b.test', 'direct.test'],
    })
    await using plain = await startOrigin((_, response) => void response.end('ok'))
    using parent = closing(await startParent(kind, { identity: authority.issue(['127.0.0.1']) }))
    for (const [name, origin] of [
      ['a.test:443', secure],
      ['b.test:443', secure],
      ['plain.test:80', plain],
    ] as const)
      parent.routes.set(name, origin.address)
    const untold: Untold[] = []
    const { make } = stamps((about) => untold.push(about))
    const ca = [join(dir, 'authority.pem')]
    const resolve = { 'direct.test:443': secure.address }
    const { connector, upstream } = wayOut(
      configIn(dir, {
        upstream: { proxy: parent.url, ca, noProxy: ['direct.test'], resolve },
        attestation: { sign: { key: join(dir, 'device.pem'), device: 'laptop-7', audience: 'egress-1' } },
      }),
      { isOwn: () => false, log, policy: () => 'now', stamp: make },
    )
    const sockets = [
      await connector.tcp({ host: 'a.test', port: 443 }),
      await connector.http({ scheme: 'https', host: 'b.test', port: 443 }, ['http/1.1']),
    ]
    const heads = parent.heads.splice(0)
    const tokens = heads.map((head) => parseToken(/\r\nSallyport-Attestation: (\S+)/.exec(head)?.[1] ?? ''))
    assert.deepEqual(
      tokens.map((token) => [token?.claims.authority, token?.claims.policy]),
      [
        ['a.test:443', 'now'],
        ['b.test:443', 'now'],
      ],
    )
    for (const [i, socket] of sockets.entries()) {
      const told = JSON.parse(connector.stampOf?.(socket)?.attestation ?? '{}') as Record<string, unknown>
      assert.equal(told['jti'], tokens[i]?.claims.jti)
      socket.destroy()
      await once(socket, 'close')
    }
    while (untold.length < 2) await delay(5)
    assert.deepEqual(untold.map(({ host }) => host).toSorted(), ['a.test', 'b.test'])

    const direct = await connector.http({ scheme: 'https', host: 'direct.test', port: 443 }, ['http/1.1'])
    assert.equal(connector.stampOf?.(direct), undefined)
    direct.destroy()
    const sending = { signal: new AbortController().signal, inform: () => undefined, policy: 'now' }
    const target = { scheme: 'http', host: 'plain.test', port: 80, path: '/', query: '' } as const
    const head = { method: 'GET', target, version: '1.1', headers: ['Host', 'plain.test'] } as const
    const answer = await upstream.send({ head, body: null }, sending)
    for await (const _ of answer.body ?? []);
    assert.equal(parent.heads.length, 1)
    assert.doesNotMatch(parent.heads.join(), /attestation/i)
    for (const { seen } of [secure, plain])
      for (const { headers } of seen) assert.doesNotMatch(headers.join(), /attestation/i)
    await upstream.close()
  })
}

test('requests go under the policy set that was applied to them', async () => {
  await using origin = await startOrigin((_, response) => void response.end('ok'), { authority, names: ['a.test'] })
  using parent = closing(await startParent('http'))
  parent.routes.set('a.test:443', origin.address)
  let current = 'first'
  const { upstream, policyChanged } = wayOut(
    configIn(dir, {
      upstream: { proxy: parent.url, ca: [join(dir, 'authority.pem')] },
      attestation: { sign: { key: join(dir, 'device.pem'), device: 'laptop-7', audience: 'egress-1' } },
    }),
    { isOwn: () => false, log, policy: () => current, stamp: stamps(() => undefined).make },
  )
  const ask = async (version: '1.1' | '2', policy: string): Promise<void> => {
    const sending = { signal: new AbortController().signal, inform: () => undefined, policy }
    const target = { scheme: 'https', host: 'a.test', port: 443, path: '/', query: '' } as const
    const head = { method: 'GET', target, version, headers: ['Host', 'a.test'] } as const
    for await (const _ of (await upstream.send({ head, body: null }, sending)).body ?? []);
  }
  for (const version of ['1.1', '2'] as const) {
    current = 'first'
    policyChanged()
    await ask(version, 'first')
    await ask(version, 'first')
    current = 'second'
    policyChanged()
    await ask(version, 'first')
    await ask(version, 'second')
    await ask(version, 'second')
    const policies = parent.heads
      .splice(0)
      .map((head) => parseToken(/\r\nSallyport-Attestation: (\S+)/.exec(head)?.[1] ?? '')?.claims.policy)
    assert.deepEqual(policies, ['first', 'first', 'second'], version)
  }
  await upstream.close()
})
