import type { LedgerRow } from '../find/presented.ts'
import type { ExportRow, SinkContext } from '../sinks/sink.ts'
import { ecsFields } from './ecs-fields.ts'
import { actionOf, address, idOf, kindOf, objects, succeeded, text, timeOf, titleOf } from './fields.ts'
import type { Format } from './format.ts'
import { severityOf, syslogSeverityOf } from './severity.ts'
import { jsonLine } from './text.ts'

/**
 * Elastic Common Schema 9.4: nested objects, as the reference writes them. What ECS has no field for is under `sallyport` by its column.
 * JSON of any shape (`before`, `after`, `attestation`) is text there, so that no mapping of an index grows with it.
 */
export const ecs = {
  name: 'ecs',
  json: true,
  lines: (out, context) => [jsonLine(document(out, context))],
} as const satisfies Format

function document(out: ExportRow, context: SinkContext): Record<string, unknown> {
  const { table, row } = out
  const fields = ecsFields[table](row)
  return {
    '@timestamp': new Date(timeOf(row)).toISOString(),
    message: titleOf(table, row),
    ecs: { version: ECS_VERSION },
    tags: ['sallyport'],
    labels: { ledger_table: table },
    log: { level: logLevels[syslogSeverityOf(severityOf(out))] },
    observer: {
      vendor: 'Sallyport',
      product: 'Sallyport',
      type: 'proxy',
      version: context.version,
      hostname: context.hostname,
    },
    ...fields,
    event: eventOf(out, fields.event),
    related: relatedOf(row),
    sallyport: { table, block: out.block, ...fields.sallyport },
  }
}

function eventOf(out: ExportRow, known: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { table, row } = out
  const outcome = succeeded(table, row)
  return {
    kind: objects(row, 'findings').length > 0 ? 'alert' : 'event',
    module: 'sallyport',
    dataset: `sallyport.${table}`,
    provider: 'sallyport',
    id: idOf(table, row),
    code: kindOf(table, row),
    action: actionOf(table, row),
    outcome: outcome === undefined ? 'unknown' : outcome ? 'success' : 'failure',
    severity: severityOf(out),
    sequence: out.block,
    ...known,
  }
}

function relatedOf(row: LedgerRow): Record<string, unknown> | undefined {
  const host = text(row, 'host')
  const ip = [address(row, 'client_ip'), address(row, 'host')].filter((value) => value !== undefined)
  const hash = [text(row, 'request_sha256'), text(row, 'response_sha256')].filter((value) => value !== undefined)
  const user = text(row, 'principal') ?? text(row, 'who')
  const all = {
    ...(ip.length > 0 && { ip: [...new Set(ip)] }),
    ...(host !== undefined && { hosts: [host] }),
    ...(user !== undefined && { user: [user] }),
    ...(hash.length > 0 && { hash: [...new Set(hash)] }),
  }
  return Object.keys(all).length > 0 ? all : undefined
}

const ECS_VERSION = '9.4.0'
const logLevels: Readonly<Record<number, string>> = { 2: 'critical', 3: 'error', 4: 'warning', 5: 'notice', 6: 'info' }
