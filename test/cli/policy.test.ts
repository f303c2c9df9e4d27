import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { createAuthority } from '../../src/tls/ca.ts'
import { folderOf } from '../policy/fixture.ts'
import { commandLine } from '../support/command-line.ts'

const good = `
intercept:
  - { hosts: [llm.corp.example], action: inspect }
  - { hosts: ["*.bank.example"], action: tunnel, reason: staff privacy }
rules:
  - { name: birds, hook: keywords, options: { name: birds, words: [falcon] }, action: redact, when: { model: "gpt-*" } }
tests:
  - { name: no falcon leaves, request: { model: gpt-5, text: "a falcon" }, expect: { action: redact, text: "a *" } }
`
const run = async (files: Record<string, string>, ...args: string[]) => {
  const cwd = folderOf({ 'sallyport.yaml': '', ...files })
  return { cwd, ...(await commandLine(['policy', ...args], { cwd })) }
}

test('check says that the files are valid, and how much is in them', async () => {
  const { status, stdout } = await run({ 'policies/10.yaml': good }, 'check')
  assert.equal(status, 0)
  assert.match(stdout, /10\.yaml: valid\n1 rule, 1 test, digest [0-9a-f]{64}\n$/)
})

test('check prints every problem with its place, and fails', async () => {
  const { status, stdout, stderr } = await run(
    { 'policies/10.yaml': 'mdoe: x\nrules: [{ name: a, hook: pi }]\n' },
    'check',
  )
  assert.equal(status, 1)
  assert.equal(stdout, '')
  assert.match(stderr, /^error: .*10\.yaml:1:1: unknown key mdoe \(did you mean mode\?\)$/m)
})

test('check --json prints one object, also when something is wrong', async () => {
  const bad = await run({ 'policies/10.yaml': 'rules: [{ name: a, hook: piii }]\n' }, 'check', '--json')
  assert.equal(bad.status, 1)
  const { valid, problems } = JSON.parse(bad.stdout)
  assert.equal(valid, false)
  assert.deepEqual([problems[0].line, problems[0].column, problems[0].path], [1, 26, 'rules[0].hook'])
  const fine = JSON.parse((await run({ 'policies/10.yaml': good }, 'check', '--json')).stdout)
  assert.deepEqual([fine.valid, fine.rules, fine.tests, fine.notes], [true, 1, 1, []])
})

test('check takes files instead of the folder', async () => {
  const files = { 'policies/10.yaml': 'broken: true', 'mine.yaml': good }
  assert.equal((await run(files, 'check', 'mine.yaml')).status, 0)
  assert.equal((await run(files, 'check', 'none.yaml')).status, 1)
  assert.equal((await run(files, 'check')).status, 1)
})

test('check notes entries that no connection reaches', async () => {
  const files = { 'policies/10.yaml': 'intercept: [{ hosts: ["*"], action: tunnel }]', 'policies/20.yaml': good }
  const { status, stdout } = await run(files, 'check')
  assert.equal(status, 0)
  assert.match(stdout, /^note: .*20\.yaml:3: no connection reaches this entry/m)
})

test('check notes entries that accept attestations where the proxy has no name', async () => {
  const entry = 'intercept: [{ hosts: [a.example], action: inspect, attestation: { accept: true } }]'
  const named = 'attestation: { audience: egress-1 }'
  assert.match(
    (await run({ 'policies/10.yaml': entry }, 'check')).stdout,
    /^note: .*10\.yaml:1: no attestation is accepted here as long as attestation\.audience is not set/m,
  )
  assert.doesNotMatch((await run({ 'policies/10.yaml': entry, 'sallyport.yaml': named }, 'check')).stdout, /^note:/m)
})

test('check refuses to inspect hosts that the CA may not vouch for', async () => {
  const cwd = folderOf({ 'sallyport.yaml': '', 'policies/10.yaml': good })
  const permitted = ['api.openai.com']
  await createAuthority({ dir: join(cwd, 'certs'), passphrase: null, now: Date.now(), name: 'test', permitted })
  const { status, stderr } = await commandLine(['policy', 'check'], { cwd })
  assert.equal(status, 1)
  assert.match(stderr, /10\.yaml:3:1: the CA may not vouch for llm\.corp\.example \(`sallyport ca rotate`/)
})

test('explain says what happens to a connection and to its exchanges, and why', async () => {
  const told = await run({ 'policies/10.yaml': good }, 'explain', '--host', 'llm.corp.example:8443', '--model', 'gpt-5')
  assert.equal(told.status, 0)
  assert.match(told.stdout, /^llm\.corp\.example: inspect \(llm\.corp\.example \(10\.yaml:3\)\)$/m)
  assert.match(told.stdout, /birds \(keywords: redact\) {2}applies$/m)
  const bank = await run({ 'policies/10.yaml': good }, 'explain', '--host', 'www.bank.example', '--json')
  const explained = JSON.parse(bank.stdout)
  assert.equal(explained.handling.action, 'tunnel')
  assert.equal(explained.handling.reason, 'staff privacy')
  assert.deepEqual([explained.request[0].applies, explained.request[0].undecided], [true, ['model']])
  const untold = await run({ 'policies/10.yaml': good }, 'explain', '--host', 'llm.corp.example')
  assert.match(untold.stdout, / {2}applies, if model matches$/m)
})

test('explain knows the provider catalogue', async () => {
  const { stdout } = await run({ 'policies/10.yaml': '' }, 'explain', '--host', 'api.openai.com')
  assert.match(stdout, /^api\.openai\.com: inspect \(provider catalogue\)$/m)
})

test('test runs what the files say should happen, and fails when one does not', async () => {
  const fine = await run({ 'policies/10.yaml': good }, 'test')
  assert.equal(fine.status, 0)
  assert.equal(fine.stdout, 'ok    no falcon leaves\n1 of 1 test passed\n')
  const failing = good.replace('expect: { action: redact', 'expect: { action: block')
  const bad = await run({ 'policies/10.yaml': failing }, 'test')
  assert.equal(bad.status, 1)
  assert.match(
    bad.stdout,
    /^FAIL {2}no falcon leaves \(.*10\.yaml:8\)\n {6}action is redact \(birds\), expected block$/m,
  )
  const [line] = (await run({ 'policies/10.yaml': failing }, 'test', '--json')).stdout.split('\n')
  assert.equal(JSON.parse(line ?? '').passed, false)
})

test('wrong usage is exit 2', async () => {
  assert.equal((await run({}, 'explain')).status, 2)
  assert.equal((await run({ 'policies/10.yaml': '' }, 'explain', '--host', 'x', '--door', 'back')).status, 2)
})
