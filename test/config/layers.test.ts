import assert from 'node:assert/strict'
import { test } from 'node:test'
import { layered, originOf } from '../../src/config/layers.ts'
import { readYaml } from '../../src/lib/yaml-strict.ts'

function layersOf(text: string, env: Record<string, string> = {}, flags: Record<string, unknown> = {}) {
  const document = readYaml(text, 'f.yaml')
  if ('problems' in document) assert.fail('the test has bad YAML')
  return layered(document, env, flags)
}

test('flags come before the environment, the environment before the file', () => {
  const text = 'log: { level: warn, format: json }\nlimits: { connections: 5 }'
  const { value, origins } = layersOf(
    text,
    { SALLYPORT_LOG_LEVEL: 'debug', SALLYPORT_LOG_FORMAT: 'pretty' },
    { 'log.level': 'trace', 'data.dir': undefined },
  )
  assert.deepEqual(value, { log: { level: 'trace', format: 'pretty' }, limits: { connections: 5 } })
  assert.deepEqual(origins.get('log.level'), { kind: 'flag', key: 'log.level' })
  assert.deepEqual(origins.get('log.format'), { kind: 'environment', name: 'SALLYPORT_LOG_FORMAT' })
  assert.deepEqual(origins.get('limits.connections'), { kind: 'file', file: 'f.yaml', line: 2, column: 11 })
  assert.deepEqual(origins.get('data.dir'), { kind: 'default' })
})

test('a section with nothing in it says nothing', () => {
  assert.deepEqual(layersOf('proxy:\naudit:\n  bodies:\n').value, { proxy: {}, audit: { bodies: {} } })
})

test('a reference becomes a number or a truth value where the schema wants one', () => {
  const text = 'limits: { connections: "${N}" }\nproxy: { markers: "${T}" }\nconsole: { token: "${N}" }'
  const { value } = layersOf(text, { N: '12', T: 'true' })
  assert.deepEqual(value, { limits: { connections: 12 }, proxy: { markers: true }, console: { token: '12' } })
})

test('a value that the environment overrides no longer counts as interpolated', () => {
  const text = 'log: { level: "${L}", format: "${F}" }'
  const { interpolated } = layersOf(text, { L: 'info', F: 'json', SALLYPORT_LOG_LEVEL: 'warn' })
  assert.deepEqual(interpolated, ['log.format'])
})

test('a section that is no map takes no value from the environment', () => {
  assert.deepEqual(layersOf('log: 5', { SALLYPORT_LOG_LEVEL: 'warn' }).value, { log: 5 })
})

test('a flag that names no setting is a problem', () => {
  const { problems } = layersOf('', {}, { 'proxy.listn': ':1' })
  assert.deepEqual(problems, [
    {
      at: { kind: 'flag', key: 'proxy.listn' },
      key: 'proxy.listn',
      message: 'names no setting',
      hint: 'did you mean proxy.listen?',
    },
  ])
})

test('the origin of what is inside a setting is the setting’s', () => {
  const { origins } = layersOf('upstream: { ca: [a, b] }')
  assert.equal(originOf(origins, ['upstream', 'ca', 1])?.kind, 'file')
  assert.equal(originOf(origins, ['nothing']), undefined)
})
