import { isIP } from 'node:net'
import { type Severity, severities } from '../../core/verdict.ts'
import type { ExportRow, SinkContext } from '../sinks/sink.ts'
import type { LedgerRow } from '../find/presented.ts'
import { address, idOf, kindOf, port, succeeded, text, timeOf, titleOf } from './fields.ts'
import { levelOf, severityOf } from './severity.ts'

export type OcsfClass = { readonly uid: number; readonly name: string; readonly category: string }

export type OcsfActivity = { readonly id: number; readonly name: string }

/** What every class has. `uid` names the event: it is the same when the event is sent again. */
export function base(
  out: ExportRow,
  context: SinkContext,
  event: {
    readonly class: OcsfClass
    readonly activity: OcsfActivity
    readonly uid?: string
    readonly profiles: readonly string[]
  },
): Record<string, unknown> {
  const { class: kind, activity } = event
  const level = levelOf(severityOf(out))
  return {
    class_uid: kind.uid,
    class_name: kind.name,
    category_uid: Math.floor(kind.uid / 1_000),
    category_name: kind.category,
    activity_id: activity.id,
    activity_name: activity.name,
    type_uid: kind.uid * 100 + activity.id,
    type_name: `${kind.name}: ${activity.name}`,
    time: timeOf(out.row),
    severity_id: severityId(level),
    severity: severityName[level],
    message: titleOf(out.table, out.row),
    metadata: {
      version: OCSF_VERSION,
      product: { name: 'Sallyport', vendor_name: 'Sallyport', version: context.version },
      uid: event.uid ?? idOf(out.table, out.row),
      correlation_uid: idOf(out.table, out.row),
      event_code: kindOf(out.table, out.row),
      log_name: out.table,
      log_provider: context.hostname,
      original_time: text(out.row, 'at'),
      ...(event.profiles.length > 0 && { profiles: event.profiles }),
    },
  }
}

export function statusOf({ table, row }: ExportRow): Record<string, unknown> {
  const outcome = succeeded(table, row)
  if (outcome === undefined) return { status_id: 0, status: 'Unknown' }
  return outcome ? { status_id: 1, status: 'Success' } : { status_id: 2, status: 'Failure' }
}

export const severityId = (level: Severity): number => severities.indexOf(level) + 1

/** At least one of its attributes is required; `name` says that there is none. */
export function sourceEndpoint(row: LedgerRow): Record<string, unknown> {
  const ip = address(row, 'client_ip')
  return ip === undefined ? { name: text(row, 'client_ip') ?? 'unknown' } : { ip }
}

export function destinationEndpoint(row: LedgerRow): Record<string, unknown> | undefined {
  const host = text(row, 'host')
  if (host === undefined) return undefined
  return { [isIP(host) === 0 ? 'hostname' : 'ip']: host, port: port(row) }
}

/** Values that are worth pivoting on, with where they stand. */
export function observables(
  row: LedgerRow,
  user: { readonly at: string; readonly name: string | undefined },
): unknown[] {
  const host = text(row, 'host')
  const [ip, hostname] = [
    { type_id: 2, type: 'IP Address' },
    { type_id: 1, type: 'Hostname' },
  ]
  const source = address(row, 'client_ip')
  return [
    ...(source === undefined ? [] : [{ name: 'src_endpoint.ip', ...ip, value: source }]),
    ...(host === undefined
      ? []
      : [
          isIP(host) === 0
            ? { name: 'dst_endpoint.hostname', ...hostname, value: host }
            : { name: 'dst_endpoint.ip', ...ip, value: host },
        ]),
    ...(user.name === undefined ? [] : [{ name: user.at, type_id: 4, type: 'User Name', value: user.name }]),
  ]
}

/** What was decided, in the words of the profile `security_control`. */
export function controlOf(action: string | undefined): Record<string, unknown> {
  const [actionId, dispositionId] = controls[action ?? ''] ?? [0, 0]
  return {
    action_id: actionId,
    action: actionNames[actionId],
    disposition_id: dispositionId,
    disposition: dispositionNames[dispositionId],
  }
}

/** Columns by their names, for `unmapped`; those that are null are left out. */
export function columns(row: LedgerRow, names: string): Record<string, unknown> {
  const picked = names.split(' ').map((name) => [name, row[name]] as const)
  return Object.fromEntries(picked.filter(([, value]) => value !== null && value !== undefined))
}

const OCSF_VERSION = '1.9.0'

const severityName = {
  info: 'Informational',
  low: 'Low',
  medium: 'Medium',
  high: 'High',
  critical: 'Critical',
} as const satisfies Record<Severity, string>

const controls: Readonly<Record<string, readonly [action: 0 | 1 | 2 | 3 | 4, disposition: number]>> = {
  allow: [1, 1],
  attested: [1, 8],
  flag: [3, 15],
  tokenize: [4, 11],
  redact: [4, 11],
  block: [2, 2],
  error: [0, 27],
  inspect: [3, 17],
  tunnel: [1, 1],
  deny: [2, 2],
  'rejected-leaf': [2, 25],
  failed: [0, 27],
}
const actionNames = ['Unknown', 'Allowed', 'Denied', 'Observed', 'Modified'] as const
const dispositionNames: Readonly<Record<number, string>> = {
  0: 'Unknown',
  1: 'Allowed',
  2: 'Blocked',
  8: 'Approved',
  11: 'Corrected',
  15: 'Detected',
  17: 'Logged',
  25: 'Rejected',
  27: 'Error',
}
