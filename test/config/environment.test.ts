import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ownVariables, readEnvironment, variableNames } from '../../src/config/environment.ts'
import { settings } from '../../src/config/settings.ts'

test('words of a key may be joined or set apart', () => {
  assert.deepEqual(variableNames(['proxy', 'listen']), ['SALLYPORT_PROXY_LISTEN'])
  assert.deepEqual(variableNames(['ca', 'leafHours']), ['SALLYPORT_CA_LEAF_HOURS', 'SALLYPORT_CA_LEAFHOURS'])
})

test('no variable names two settings, and none of our own names one', () => {
  const names = settings().flatMap(({ path }) => variableNames(path))
  assert.equal(new Set(names).size, names.length)
  for (const own of ownVariables) assert.ok(!names.includes(own), own)
})

const cases: [string, string, unknown][] = [
  ['SALLYPORT_CA_LEAF_HOURS', '24', 24],
  ['SALLYPORT_ATTESTATION_REINSPECT', '0.02', 0.02],
  ['SALLYPORT_PROXY_MARKERS', 'true', true],
  ['SALLYPORT_WORKERS', 'auto', 'auto'],
  ['SALLYPORT_WORKERS', '4', 4],
  ['SALLYPORT_CONSOLE_TOKEN', '12345', '12345'],
  ['SALLYPORT_CONSOLE_TOKEN', '', null],
  ['SALLYPORT_PROXY_TLS', 'null', null],
  ['SALLYPORT_PROXY_TLS', '{cert: a.pem, key: b.pem}', { cert: 'a.pem', key: 'b.pem' }],
  ['SALLYPORT_PROXY_LISTEN', ':1', [':1']],
  ['SALLYPORT_PROXY_LISTEN', '[::1]:1, :2', ['[::1]:1', ':2']],
  ['SALLYPORT_PROXY_LISTEN', '["[::1]:1", ":2"]', ['[::1]:1', ':2']],
  ['SALLYPORT_UPSTREAM_CA', '', []],
  ['SALLYPORT_UPSTREAM_CA', '- a.pem\n- b.pem', ['a.pem', 'b.pem']],
  ['SALLYPORT_UPSTREAM_RESOLVE', '{"a.example:443": "127.0.0.1:1"}', { 'a.example:443': '127.0.0.1:1' }],
  ['SALLYPORT_AUDIT_EXPORT', '[{name: d, type: file, path: e}]', [{ name: 'd', type: 'file', path: 'e' }]],
]

for (const [name, text, value] of cases) {
  test(`${name}=${JSON.stringify(text)} is ${JSON.stringify(value)}`, () => {
    const { values, problems } = readEnvironment({ [name]: text })
    assert.deepEqual(problems, [])
    assert.deepEqual(
      values.map((one) => one.value),
      [value],
    )
  })
}

test('a variable that names no setting is an error with the nearest one', () => {
  const { problems } = readEnvironment({ SALLYPORT_PROXY_LISTN: ':1', SALLYPORT_EXEC: '1', PATH: '/bin' })
  assert.deepEqual(problems, [
    { name: 'SALLYPORT_PROXY_LISTN', message: 'names no setting', hint: 'did you mean SALLYPORT_PROXY_LISTEN?' },
  ])
})

test('a value that is no YAML is an error that does not repeat it', () => {
  const { problems } = readEnvironment({ SALLYPORT_AUDIT_EXPORT: '[{token: "made-up-token' })
  assert.equal(problems.length, 1)
  assert.ok(!JSON.stringify(problems).includes('made-up-token'))
})
