import assert from 'node:assert/strict'
import { test } from 'node:test'
import { catalogueHosts, providerAt } from '../../src/app/catalogue.ts'
import { globMatcher } from '../../src/lib/glob.ts'
import { withCatalogue } from '../../src/policy/conditions.ts'

test('the catalogue names the hosts of the large providers, each once, as policy compares them', () => {
  const hosts = catalogueHosts()
  assert.equal(new Set(hosts).size, hosts.length)
  assert.deepEqual(withCatalogue(['catalogue'], hosts), hosts)
  const known = globMatcher(hosts)
  for (const host of ['api.openai.com', 'api.anthropic.com', 'generativelanguage.googleapis.com'])
    assert.ok(known(host), host)
  assert.ok(!known('www.example.com'))
})

test('a provider is known by its host', () => {
  assert.equal(providerAt({ host: 'api.anthropic.com', port: 443, path: '/v1/messages' }), 'anthropic')
  assert.equal(providerAt({ host: 'api.openai.com', port: 443, path: '/' }), 'openai')
})
