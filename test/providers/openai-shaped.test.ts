import assert from 'node:assert/strict'
import { test } from 'node:test'
import { identify } from '../../src/providers/identify.ts'
import { localPorts, openaiShaped, openaiShapedProviders } from '../../src/providers/openai-shaped.ts'

test('below each documented base URL, chat completions are that vendor’s', () => {
  for (const { name, bases } of openaiShaped) {
    for (const base of bases) {
      const { hostname, pathname } = new URL(`${base}/chat/completions`)
      const { provider, operation } = identify(
        { scheme: 'https', host: hostname, port: 443, path: pathname, query: '' },
        'POST',
      )
      assert.deepEqual([provider.name, operation], [name, 'chat'], base)
    }
  }
})

test('names are unique, and each vendor has a host or a port', () => {
  assert.ok(openaiShaped.length >= 20)
  assert.equal(new Set(openaiShaped.map(({ name }) => name)).size, openaiShaped.length)
  for (const { name, hosts } of openaiShapedProviders)
    assert.ok(hosts.length > 0 || [...localPorts.values()].includes(name), name)
})
