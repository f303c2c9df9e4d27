import type { ConnectionRow } from '../audit/rows.ts'
import type { Rooms } from './exchange.ts'

export type { ConnectionRow }

/** Records a connection that has ended: the only way for a door to write one. */
export function recordConnection(rooms: Rooms, door: 'proxy' | 'gateway', row: ConnectionRow): void {
  rooms.recorder.connection(row)
  rooms.metrics.connections.inc({ door, handling: row.handling })
}
