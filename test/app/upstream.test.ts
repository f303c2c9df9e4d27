import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wayOut } from '../../src/app/upstream.ts'
import { stamps } from '../../src/upstream/stamps.ts'
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
