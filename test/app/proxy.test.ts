import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { after, test } from 'node:test'
import { openPolicies } from '../../src/app/policies.ts'
import { prepare } from '../../src/app/prepare.ts'
import { proxyParts } from '../../src/app/proxy.ts'
import { engineRooms, openRecorder } from '../../src/app/rooms.ts'
import type { Address } from '../../src/app/listen.ts'
import type { Config } from '../../src/config/schema.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { configIn, keptLog } from '../support/app.ts'
import { budgetOf } from '../support/budget.ts'
import { tempFolder } from '../support/temp.ts'

const { log } = await keptLog()
const dir = tempFolder('app')
const base = configIn(dir)
const { authority } = await prepare(base, log)
const deaf = (): void => undefined
const policies = await openPolicies(base, deaf, deaf)
const recorder = openRecorder(base, log)
after(async () => {
  policies.close()
  await recorder.close()
})

test('the certificate pages are those of the authority, and the list of inspected hosts is the policy’s', () => {
  const { pages } = partsFor(() => base).parts
  assert.equal(new X509Certificate(pages.caPem()).raw.compare(pages.caDer()), 0)
  assert.equal(pages.fingerprint(), authority.fingerprint)
  assert.equal(pages.crl()[0], 0x30)
  assert.deepEqual(pages.inspected(), policies.current().inspectedHosts)
})

const selves: [own: Address, host: string, port: number, self: boolean][] = [
  [{ host: '127.0.0.1', port: 3128 }, '127.0.0.1', 3128, true],
  [{ host: '127.0.0.1', port: 3128 }, 'localhost', 3128, true],
  [{ host: '127.0.0.1', port: 3128 }, '::ffff:127.0.0.1', 3128, true],
  [{ host: '127.0.0.1', port: 3128 }, '127.0.0.1', 3129, false],
  [{ host: '127.0.0.1', port: 3128 }, 'api.openai.com', 3128, false],
  [{ host: '', port: 3128 }, '127.0.0.7', 3128, true],
  [{ host: '0.0.0.0', port: 3128 }, '127.0.0.1', 3128, true],
  [{ host: '::', port: 3128 }, '::1', 3128, true],
  [{ host: '::', port: 3128 }, '192.0.2.1', 3128, false],
  [{ host: '', port: 3128 }, 'api.openai.com', 3128, false],
]

for (const [own, host, port, self] of selves) {
  test(`to a door at "${own.host}":${own.port}, ${host}:${port} is ${self ? 'itself' : 'another'}`, () => {
    const { parts } = partsFor(() => base, [own])
    assert.equal(parts.isSelf({ host, port }), self)
  })
}

test('its own addresses are not dialled, even where private ones may be', async () => {
  const config = configIn(dir, { upstream: { allowPrivate: ['127.0.0.0/8'] } })
  const { parts } = partsFor(() => config, [{ host: '127.0.0.1', port: 3128 }])
  await assert.rejects(parts.connector.tcp({ host: '127.0.0.1', port: 3128 }, new AbortController().signal), {
    code: 'loop_detected',
  })
})

test('a reload changes who may connect and what may be dialled, and no leaf is made anew', async () => {
  let config = base
  const { parts, reload } = partsFor(() => config)
  const leaf = await parts.leaves.contextFor('api.openai.com')
  assert.equal(parts.allowClient('10.1.2.3'), false)
  await assert.rejects(parts.guard('10.9.9.9', 443), { code: 'address_not_allowed' })
  config = configIn(dir, {
    proxy: { allowClients: ['10.0.0.0/8'] },
    upstream: { allowPrivate: ['10.9.0.0/16'] },
    limits: { connections: 17 },
  })
  reload()
  assert.equal(parts.allowClient('10.1.2.3'), true)
  assert.deepEqual(await parts.guard('10.9.9.9', 443), { addresses: ['10.9.9.9'], port: 443 })
  assert.equal(parts.maxConnections, 17)
  assert.equal(await parts.leaves.contextFor('api.openai.com'), leaf)
})

test('a reload with files that cannot be used keeps the old way out, and shuts out who is not allowed any more', async () => {
  const unfit: Record<string, object>[] = [
    { upstream: { ca: [`${dir}/missing.pem`] } },
    {
      upstream: { proxy: 'http://parent.test:3128' },
      attestation: { sign: { key: `${dir}/missing.pem`, device: 'laptop-7', audience: 'egress-1' } },
    },
  ]
  for (const some of unfit) {
    let config = configIn(dir, { upstream: { allowPrivate: ['10.9.0.0/16'] } })
    const { parts, reload } = partsFor(() => config)
    const before = parts.upstream
    assert.equal(parts.allowClient('127.0.0.1'), true)
    config = configIn(dir, { ...some, proxy: { allowClients: ['10.0.0.0/8'] } })
    reload()
    assert.equal(parts.upstream, before)
    assert.deepEqual((await parts.guard('10.9.9.9', 443)).addresses, ['10.9.9.9'])
    assert.equal(parts.allowClient('127.0.0.1'), false)
  }
})

test('without authentication everybody is nobody in particular', () => {
  assert.equal(partsFor(() => base).parts.identify([], '127.0.0.1'), null)
})

test('with it, only who is known gets in, and who fails too often is turned away for a while', () => {
  const config = configIn(dir, { proxy: { auth: 'basic' } })
  const { parts, reload } = partsFor(() => config)
  const as = (name: string, token: string) => [
    'Proxy-Authorization',
    `Basic ${Buffer.from(`${name}:${token}`).toString('base64')}`,
  ]
  assert.equal(parts.identify(as('ada', 'right'), '127.0.0.1'), 'ada')
  assert.throws(() => parts.identify([], '127.0.0.2'), { code: 'proxy_auth_required' })
  const fail = () => parts.identify(as('ada', 'wrong'), '127.0.0.3')
  const codes = Array.from({ length: 100 }, () => codeOf(fail))
  assert.equal(codes[0], 'proxy_auth_required')
  assert.equal(codes.at(-1), 'too_many_failures')
  reload()
  assert.equal(codeOf(fail), 'too_many_failures')
  assert.equal(parts.identify(as('ada', 'right'), '127.0.0.1'), 'ada')
})

function partsFor(config: () => Config, own: readonly Address[] = []) {
  const metrics = createMetrics()
  const rooms = engineRooms({
    config,
    policy: policies.current,
    recorder,
    budget: budgetOf(),
    metrics,
    log,
    key: Buffer.alloc(32, 7),
  })
  const principalOf = ({ name, token }: { name: string; token: string }) => (token === 'right' ? name : undefined)
  return proxyParts({ processes: 1, config, own: () => own, rooms, metrics, log, authority, principalOf })
}

function codeOf(run: () => unknown): unknown {
  try {
    run()
    return undefined
  } catch (error) {
    return (error as { code?: unknown }).code
  }
}
