import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { listenersOf, listenersVariable } from '../../../src/app/agent/listeners.ts'
import { loadConfig } from '../../../src/config/load.ts'
import type { Config } from '../../../src/config/schema.ts'
import { tempFolder } from '../../support/temp.ts'

const configOf = (transparent: readonly string[]): Config =>
  loadConfig({ env: {}, cwd: tempFolder('listeners'), flags: { 'proxy.transparent': transparent } })

const cases: readonly (readonly [readonly string[], boolean, string | undefined, string | undefined])[] = [
  [[], true, '127.0.0.1:3129', '::1:3129'],
  [[], false, '127.0.0.1:3129', undefined],
  [['127.0.0.1:4000'], true, '127.0.0.1:4000', undefined],
  [['[::1]:4000'], true, undefined, '::1:4000'],
  [['0.0.0.0:4000'], true, '127.0.0.1:4000', undefined],
  [[':4000'], true, '127.0.0.1:4000', '::1:4000'],
  [['[::]:4000'], true, '127.0.0.1:4000', '::1:4000'],
  [['10.0.0.1:4000', '[fd00::1]:4001'], true, '10.0.0.1:4000', 'fd00::1:4001'],
]
for (const [transparent, hasIpv6, ipv4, ipv6] of cases) {
  test(`with ${JSON.stringify(transparent)} traffic goes to ${ipv4} and ${ipv6}`, () => {
    const listeners = listenersOf(configOf(transparent), hasIpv6)
    const text = [listeners.ipv4, listeners.ipv6].map((one) =>
      one === undefined ? undefined : `${one.host}:${one.port}`,
    )
    assert.deepEqual(text, [ipv4, ipv6])
  })
}

for (const unfit of ['127.0.0.1:0', 'gateway.example:3129']) {
  test(`nothing can be redirected to ${unfit}`, () => {
    assert.throws(() => listenersOf(configOf([unfit]), true), { code: 'config_invalid' })
  })
}

test('doors whose configuration names no listener are told where to listen, and can read it', () => {
  const config = configOf([])
  for (const hasIpv6 of [true, false]) {
    const env = listenersVariable(config, listenersOf(config, hasIpv6))
    const told = loadConfig({ env, cwd: tempFolder('told') })
    assert.deepEqual(
      told.proxy.transparent.map(({ host }) => host),
      hasIpv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1'],
    )
  }
})

test('doors that start again listen where they did, whatever the configuration says by then', () => {
  for (const [transparent] of cases.filter(([some]) => some.length > 0)) {
    const first = configOf(transparent)
    const cwd = tempFolder('again')
    writeFileSync(join(cwd, 'sallyport.yaml'), 'proxy: { transparent: 127.0.0.1:5000 }')
    const again = loadConfig({ env: listenersVariable(first, listenersOf(first)), cwd })
    assert.deepEqual(again.proxy.transparent, first.proxy.transparent)
  }
})
