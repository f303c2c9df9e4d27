import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'

export type Metrics = ReturnType<typeof createMetrics>

/** Every metric of the program, declared once; labels have few values, never a host, path or person. */
export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry, prefix: 'sallyport_' })
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ name: `sallyport_${name}`, help, labelNames, registers })
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge({ name: `sallyport_${name}`, help, labelNames, registers })
  // Of several processes the largest counts: a sum of times or dates says nothing.
  const latest = (name: string, help: string) =>
    new Gauge({ name: `sallyport_${name}`, help, registers, aggregator: 'max' })
  const histogram = <L extends string>(name: string, help: string, labelNames: readonly L[], buckets: number[]) =>
    new Histogram({ name: `sallyport_${name}`, help, labelNames, buckets, registers })
  return {
    registry,
    connections: counter('connections_total', 'Connections, by what was done with them.', ['door', 'handling']),
    activeConnections: gauge('connections_active', 'Client connections open now.', ['door']),
    exchanges: labelled(
      counter('exchanges_total', 'Exchanges that ended.', ['door', 'provider', 'decision', 'status_class']),
    ),
    activeExchanges: labelled(gauge('exchanges_active', 'Exchanges in progress.', ['door'])),
    bytes: labelled(counter('bytes_total', 'Bytes of message bodies and tunnels.', ['direction'])),
    bodyBytes: gauge('body_memory_bytes', 'Memory that bodies take while they are inspected.'),
    bodiesWithoutRoom: counter('bodies_without_room_total', 'Bodies that found no room in memory.', ['outcome']),
    added: labelled(histogram('added_seconds', 'Time that Sallyport added to an exchange.', ['door'], fast)),
    firstByte: labelled(
      histogram('first_byte_seconds', 'Time from the request to the first byte of the answer.', ['door'], slow),
    ),
    hookTime: labelled(histogram('hook_seconds', 'Time of one hook on one stage.', ['hook', 'stage'], fast)),
    hookErrors: counter('hook_errors_total', 'Hooks that failed or ran out of time.', ['hook']),
    findings: labelled(counter('findings_total', 'What detectors found.', ['type', 'action'])),
    restored: counter('placeholders_total', 'Placeholders in answers, by whether they could be put back.', ['outcome']),
    rememberedTexts: labelled(
      counter('remembered_texts_total', 'Texts of some length, by whether what is in them was known already.', [
        'outcome',
      ]),
    ),
    memoBytes: gauge('memory_of_findings_bytes', 'Memory that takes what was found in texts before.'),
    leaves: counter('leaf_certificates_total', 'Leaf certificates asked for.', ['outcome']),
    rejectedLeaves: counter('rejected_leaves_total', 'Clients that refused our certificate.', []),
    attestations: labelled(counter('attestations_total', 'Attestations, by what became of them.', ['outcome', 'form'])),
    refusedRequests: counter('refused_requests_total', 'Requests refused before they became exchanges.', ['code']),
    ledgerQueue: gauge('ledger_queue_rows', 'Rows that wait to be committed.'),
    ledgerRows: counter('ledger_rows_total', 'Rows committed.', []),
    ledgerCommit: latest('ledger_commit_seconds', 'Time of the last commit.'),
    ledgerUnrecorded: counter(
      'ledger_unrecorded_total',
      'Exchanges that went on without a row before them, because the ledger could not be written.',
      [],
    ),
    ledgerGivenUp: counter(
      'ledger_given_up_total',
      'Rows that were given up: no room in the queue, or not taken by the database.',
      [],
    ),
    ledgerRefusals: counter('ledger_refusals_total', 'Exchanges refused because the ledger could not be written.', []),
    upstreamErrors: counter('upstream_errors_total', 'Failures of origins.', ['code']),
    tokens: labelled(
      counter('tokens_total', 'Tokens as the providers count them, in disjoint buckets.', ['provider', 'bucket']),
    ),
    policyReloads: counter('policy_reloads_total', 'Reloads of the policies.', ['outcome']),
    policyLoadedAt: latest('policy_loaded_timestamp_seconds', 'When the policies in force were loaded.'),
  }
}

/**
 * A metric's child for label values, remembered: prom-client hashes the labels anew on each call, which costs more than what is
 * counted. Labels have few values, so the memory is bounded as the metric is.
 */
export function labelled<Child>(metric: {
  readonly labels: (...values: string[]) => Child
}): (...values: string[]) => Child {
  const children = new Map<string, Child>()
  return (...values) => {
    const key = values.join('\0')
    const known = children.get(key)
    if (known !== undefined) return known
    const child = metric.labels(...values)
    children.set(key, child)
    return child
  }
}

/** The first part of a finding's type: bounded, however many rules there are. */
export function findingLabel(type: string): string {
  const colon = type.indexOf(':')
  return colon === -1 ? type : type.slice(0, colon)
}

const fast = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2]
const slow = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]
