import type { ExportRow, SinkContext } from '../sinks/sink.ts'
import { objects } from './fields.ts'
import type { Format } from './format.ts'
import { apiActivity, detectionFinding } from './ocsf-exchange.ts'
import { entityManagement } from './ocsf-act.ts'
import { networkActivity } from './ocsf-connection.ts'
import { jsonLine } from './text.ts'

/**
 * Open Cybersecurity Schema Framework 1.9.0 (schema.ocsf.io). An exchange is API Activity (6003), with findings a Detection Finding (2004)
 * follows it; a connection is Network Activity (4001); an event or a checkpoint is Entity Management (3004). Columns without an attribute
 * of their own stand in `unmapped` by their names.
 */
export const ocsf = {
  name: 'ocsf',
  json: true,
  lines(out, context) {
    const first = jsonLine(eventOf(out, context))
    const found = out.table === 'exchanges' && objects(out.row, 'findings').length > 0
    return found ? [first, jsonLine(detectionFinding(out, context))] : [first]
  },
} as const satisfies Format

function eventOf(out: ExportRow, context: SinkContext): unknown {
  switch (out.table) {
    case 'exchanges':
      return apiActivity(out, context)
    case 'connections':
      return networkActivity(out, context)
    case 'events':
    case 'checkpoints':
      return entityManagement(out, context)
  }
}
