import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide } from '../../src/proxy/decide.ts'

type Action = 'inspect' | 'tunnel' | 'deny'

const policy = (mismatch: 'deny' | 'allow', byHost: Record<string, Action>) => ({
  mismatch,
  intercept: ({ host }: { host: string }) => ({
    action: byHost[host] ?? ('tunnel' as const),
    reason: `for ${host}`,
    onRejectedLeaf: 'refuse' as const,
  }),
})

const facts = { host: 'a', port: 443, clientIp: '127.0.0.1', principal: null, sni: undefined, rejectedLeaf: false }

test('policy decides by the CONNECT host, with its reason', () => {
  for (const action of ['inspect', 'tunnel', 'deny'] as const) {
    assert.deepEqual(decide(policy('deny', { a: action }), facts), { kind: action, reason: 'for a' })
    assert.deepEqual(decide(policy('deny', { a: action }), { ...facts, sni: 'a' }), { kind: action, reason: 'for a' })
    assert.deepEqual(decide(policy('deny', { a: action }), { ...facts, sni: null }), { kind: action, reason: 'for a' })
  }
})

test('another name in SNI is denied as a mismatch', () => {
  assert.deepEqual(decide(policy('deny', { a: 'inspect', b: 'inspect' }), { ...facts, sni: 'b' }), {
    kind: 'deny',
    reason: 'mismatch',
  })
})

const both: [host: Action, sni: Action, expected: Action][] = [
  ['tunnel', 'inspect', 'inspect'],
  ['inspect', 'tunnel', 'inspect'],
  ['tunnel', 'deny', 'deny'],
  ['deny', 'tunnel', 'deny'],
  ['inspect', 'deny', 'deny'],
  ['tunnel', 'tunnel', 'tunnel'],
]
for (const [host, sni, expected] of both) {
  test(`where mismatches are allowed, ${host} for the host and ${sni} for SNI is ${expected}`, () => {
    assert.equal(decide(policy('allow', { a: host, b: sni }), { ...facts, sni: 'b' }).kind, expected)
  })
}

test('a client that rejects the leaf is tunnelled where it would be inspected, and nowhere else', () => {
  const rejected = { ...facts, rejectedLeaf: true }
  assert.deepEqual(decide(policy('deny', { a: 'inspect' }), rejected), {
    kind: 'tunnel',
    reason: 'client rejects the leaf',
  })
  assert.equal(decide(policy('deny', { a: 'deny' }), rejected).kind, 'deny')
  assert.equal(decide(policy('deny', { a: 'inspect', b: 'inspect' }), { ...rejected, sni: 'b' }).kind, 'deny')
})
