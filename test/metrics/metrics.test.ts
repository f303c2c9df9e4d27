import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics, findingLabel, labelled } from '../../src/metrics/metrics.ts'

test('every metric has a name of ours and a help text, and its labels name no host, path or person', async () => {
  const described = await createMetrics().registry.getMetricsAsJSON()
  assert.ok(described.length > 20)
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

test('two sets of metrics count for themselves', async () => {
  const [one, other] = [createMetrics(), createMetrics()]
  one.ledgerQueue.set(7)
  assert.match(await one.registry.metrics(), /^sallyport_ledger_queue_rows 7$/m)
  assert.match(await other.registry.metrics(), /^sallyport_ledger_queue_rows 0$/m)
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

const labels: [type: string, label: string][] = [
  ['SECRET:aws-access-key', 'SECRET'],
  ['EMAIL', 'EMAIL'],
  ['A:b:c', 'A'],
  ['', ''],
]

for (const [type, label] of labels) {
  test(`a finding of type "${type}" is counted as "${label}"`, () => {
    assert.equal(findingLabel(type), label)
  })
}
