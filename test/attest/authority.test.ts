import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authorityOf, isSameAuthority } from '../../src/attest/authority.ts'

test('a target has one spelling', () => {
  assert.equal(authorityOf('API.OpenAI.com', 443), 'api.openai.com:443')
  assert.equal(authorityOf('api.openai.com.', 8443), 'api.openai.com:8443')
  assert.equal(authorityOf('2001:DB8::1', 443), '[2001:db8::1]:443')
  assert.equal(authorityOf('[::1]', 80), '[::1]:80')
})

test('spellings that a proxy takes for the same target make no difference, anything else does', () => {
  const same: [string, string][] = [
    ['api.openai.com:443', 'API.openai.COM:443'],
    ['api.openai.com.:443', 'api.openai.com:443'],
    ['[2001:DB8::1]:443', '[2001:db8::1]:443'],
    ['[2001:0db8:0:0:0:0:0:1]:443', '[2001:db8::1]:443'],
    ['[::ffff:192.0.2.1]:443', '192.0.2.1:443'],
    ['api.openai.com:0443', 'api.openai.com:443'],
  ]
  const others: [string, string][] = [
    ['api.openai.com:443', 'api.openai.com:4430'],
    ['api.openai.com:443', 'api.openai.com:80'],
    ['api.openai.com:443', 'api.openai.com'],
    ['api.openai.com:443', 'xapi.openai.com:443'],
    ['api.openai.com:443', 'api.openai.com:443.'],
    ['api.openai.com:443', 'api.openai.com..:443'],
    ['api.openai.com:443', 'api.openai.com: 443'],
    ['[::1]:443', '::1:443'],
    ['192.0.2.1:443', '[192.0.2.1]:443'],
    ['[::1]:443', '[::1%25lo]:443'],
    ['api.openai.com:443', 'api.openai.com:4e2'],
    ['api.openai.com:443', 'api.openai.com:000443'],
    ['api.openai.com:443', ''],
    ['api.openai.com:443', ':443'],
  ]
  for (const [a, b] of same) assert.ok(isSameAuthority(a, b) && isSameAuthority(b, a), `${a} ${b}`)
  for (const [a, b] of others) assert.ok(!isSameAuthority(a, b) && !isSameAuthority(b, a), `${a} ${b}`)
})
