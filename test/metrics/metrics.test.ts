import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics, findingLabel } from '../../src/metrics/metrics.ts'

const names =
  `connections_total connections_active exchanges_total exchanges_active bytes_total added_seconds first_byte_seconds
  hook_seconds hook_errors_total findings_total placeholders_total leaf_certificates_total rejected_leaves_total refused_requests_total
  ledger_queue_rows ledger_rows_total ledger_commit_seconds ledger_refusals_total upstream_errors_total tokens_total
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
