import { SallyportError } from '../core/errors.ts'
import type { RawHeaders } from '../core/http.ts'
import { valuesOf } from '../http/headers.ts'
import type { Incoming } from '../http/incoming.ts'
import type { Connection } from './context.ts'
import type { ProxyParts } from './parts.ts'

/**
 * What a proxy behind us is to be told of the way a request has come, so that it never comes back: the ids of the proxies before us, then
 * our own. Throws `loop_detected` where we are among them, or where they are too many to be a way that somebody meant.
 */
export function viaAfter(headers: RawHeaders, own: string | undefined): string | undefined {
  if (own === undefined) return undefined
  const values = valuesOf(headers, 'sallyport-via')
  if (values.length === 0) return own
  const ids = values.flatMap((value) => value.split(',').map((id) => id.trim())).filter((id) => isId(id))
  if (ids.includes(own))
    throw new SallyportError('loop_detected', 'it has been here before: the parent proxy leads back')
  if (ids.length >= mostProxies) throw new SallyportError('loop_detected', 'it has come through too many proxies')
  return [...ids, own].join(', ')
}

/** The same for a request: inside a CONNECT it has come as that has. */
export function viaOf(
  { hop }: Pick<ProxyParts, 'hop'>,
  { context, headers }: Pick<Incoming<Connection>, 'context' | 'headers'>,
): string | undefined {
  return context.tunnel === null ? viaAfter(headers, hop) : context.tunnel.via
}

const isId = (text: string): boolean => /^[0-9a-f]{16}$/.test(text)
const mostProxies = 8
