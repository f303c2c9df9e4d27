import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics, findingLabel, labelled } from '../../src/metrics/metrics.ts'

const names =
  `connections_total connections_active exchanges_total exchanges_active bytes_total added_seconds first_byte_seconds
  hook_seconds hook_errors_total findings_total placeholders_total leaf_certificates_total rejected_leaves_total refused_requests_total
  remembered_texts_total memory_of_findings_bytes
  ledger_queue_rows ledger_rows_total ledger_commit_seconds ledger_refusals_total ledger_unrecorded_total ledger_given_up_total upstream_errors_total tokens_total
  policy_reloads_total policy_loaded_timestamp_seconds nodejs_eventloop_lag_seconds process_resident_memory_bytes`.split(
    /\s+/,
  )

test('every metric is there, with prefix, help and type', async () => {
  const text = await createMetrics().registry.metrics()
  for (const name of names) {
    const lines = new RegExp(
      `^# HELP sallyport_${name} \\S.*\\n# TYPE sallyport_${name} (?:counter|gauge|histogram)$`,
      'm',
    )
    assert.match(text, lines, name)
  }
  for (const [, name] of text.matchAll(/^# TYPE (\S+)/gm)) assert.match(String(name), /^sallyport_/)
})

test('two sets of metrics do not share anything', async () => {
  const [one, other] = [createMetrics(), createMetrics()]
  one.hookErrors.inc({ hook: 'pii' })
  assert.match(await one.registry.metrics(), /hook_errors_total\{hook="pii"\} 1/)
  assert.doesNotMatch(await other.registry.metrics(), /hook_errors_total\{hook="pii"\}/)
})

const labels: [type: string, label: string][] = [
  ['EMAIL', 'EMAIL'],
  ['SECRET:aws-access-key', 'SECRET'],
  ['KEYWORD:a:b', 'KEYWORD'],
]

test('the label of a finding is bounded, whatever lists and rules there are', () => {
  for (const [type, label] of labels) assert.equal(findingLabel(type), label)
})

test('the labels of metrics name no host, path or person', async () => {
  const described = await createMetrics().registry.getMetricsAsJSON()
  for (const { name, help, values } of described) {
    assert.match(name, /^sallyport_[a-z0-9_]+$/)
    assert.notEqual(help, '', name)
    for (const value of values)
      for (const label of Object.keys(value.labels)) assert.ok(!['host', 'path', 'principal', 'client'].includes(label))
  }
})

test('what counts up is called _total, and only that', async () => {
  const ours = Object.values(createMetrics().registry.getMetricsAsArray()).filter(
    ({ name }) => !/_(?:nodejs|process)_/.test(name),
  )
  for (const { name, type } of ours) {
    const counts = String(type) === 'counter'
    assert.equal(name.endsWith('_total'), counts, `${name} is a ${String(type)}`)
  }
})

test('children of the same labels are the same object, and of others are not', async () => {
  const { activeExchanges, exchanges, registry } = createMetrics()
  assert.equal(activeExchanges('proxy'), activeExchanges('proxy'))
  assert.notEqual(activeExchanges('proxy'), activeExchanges('gateway'))
  exchanges('proxy', 'openai', 'allow', '2xx').inc()
  exchanges('proxy', 'openai', 'allow', '2xx').inc(2)
  exchanges('proxy', 'openai', 'block', '4xx').inc()
  const text = await registry.getSingleMetricAsString('sallyport_exchanges_total')
  assert.match(text, /\{door="proxy",provider="openai",decision="allow",status_class="2xx"\} 3$/m)
  assert.match(text, /\{door="proxy",provider="openai",decision="block",status_class="4xx"\} 1$/m)
})

test('a child is asked for once, however its labels are written', () => {
  const asked: string[][] = []
  const child = labelled({ labels: (...values) => ({ asked: asked.push(values) }) })
  assert.equal(child('a', 'b'), child('a', 'b'))
  assert.notEqual(child('a,b', 'c'), child('a', 'b,c'))
  assert.notEqual(child('a,b'), child('a', 'b'))
  assert.equal(asked.length, 4)
})

test('of several processes times and dates count as the largest, and the rest as a sum', async () => {
  const aggregators = new Map(
    (await createMetrics().registry.getMetricsAsJSON()).map((metric) => [metric.name, metric.aggregator]),
  )
  assert.equal(aggregators.get('sallyport_policy_loaded_timestamp_seconds'), 'max')
  assert.equal(aggregators.get('sallyport_ledger_commit_seconds'), 'max')
  assert.equal(aggregators.get('sallyport_exchanges_total'), 'sum')
  assert.equal(aggregators.get('sallyport_ledger_queue_rows'), 'sum')
})
