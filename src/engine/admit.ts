import type { Request } from '../core/http.ts'
import { provedRequest, unreadRequest } from './attested.ts'
import type { Rooms } from './exchange.ts'
import { openRow } from './record.ts'
import { readRequest } from './request.ts'
import type { Trace } from './trace.ts'

/**
 * Inspects the request, unless it proves that it has been inspected already, and commits its row. Gives the request to forward. Rejects with
 * SallyportError when policy says so.
 */
export async function admit(rooms: Rooms, trace: Trace): Promise<Request> {
  const { request, proved } = await provedRequest(trace)
  const admitted = proved ? await unreadRequest(rooms, trace, request) : await readRequest(rooms, trace, request)
  if (!trace.opened) await openRow(rooms, trace)
  return admitted
}
