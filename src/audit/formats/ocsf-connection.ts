import type { ExportRow, SinkContext } from '../sinks/sink.ts'
import { idOf, sum, text, whole } from './fields.ts'
import { base, columns, controlOf, destinationEndpoint, observables, sourceEndpoint, statusOf } from './ocsf-base.ts'

/** Network Activity (4001) with the profiles `host`, for who it was, and `security_control`. */
export function networkActivity(out: ExportRow, context: SinkContext): Record<string, unknown> {
  const { row, block } = out
  const kind = { uid: 4_001, name: 'Network Activity', category: 'Network Activity' }
  const handling = text(row, 'handling')
  const activity = activities[handling ?? ''] ?? { id: 0, name: 'Unknown' }
  const [user, sni] = [text(row, 'principal'), text(row, 'sni')]
  return {
    ...base(out, context, { class: kind, activity, profiles: ['host', 'security_control'] }),
    ...statusOf(out),
    status_detail: [text(row, 'reason'), text(row, 'error')].filter((why) => why !== undefined).join(': ') || undefined,
    ...controlOf(handling),
    actor: user === undefined ? undefined : { user: { name: user } },
    src_endpoint: sourceEndpoint(row),
    dst_endpoint: destinationEndpoint(row),
    connection_info: {
      uid: idOf('connections', row),
      direction_id: 2,
      direction: 'Outbound',
      protocol_name: 'tcp',
      protocol_num: 6,
    },
    traffic: traffic(row),
    // `version` is required, and the ledger does not have it.
    tls: sni === undefined ? undefined : { version: 'unknown', sni },
    observables: observables(row, { at: 'actor.user.name', name: user }),
    unmapped: { ...columns(row, 'handling alpn reason error duration_ms attestation'), block },
  }
}

function traffic(row: ExportRow['row']): Record<string, unknown> | undefined {
  const bytes = sum(row, 'bytes_up', 'bytes_down')
  return bytes === undefined
    ? undefined
    : { bytes, bytes_out: whole(row, 'bytes_up'), bytes_in: whole(row, 'bytes_down') }
}

const activities: Readonly<Record<string, { readonly id: number; readonly name: string }>> = {
  inspect: { id: 6, name: 'Traffic' },
  tunnel: { id: 6, name: 'Traffic' },
  attested: { id: 6, name: 'Traffic' },
  deny: { id: 5, name: 'Refuse' },
  failed: { id: 4, name: 'Fail' },
  'rejected-leaf': { id: 4, name: 'Fail' },
}
