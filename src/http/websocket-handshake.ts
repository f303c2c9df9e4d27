import { createHash } from 'node:crypto'
import type { RawHeaders } from '../core/http.ts'
import { headerOf } from '../core/http.ts'
import { valuesOf } from './headers.ts'

/** How one direction is compressed (RFC 7692, 7.1). */
export type Window = { readonly bits: number; readonly takeover: boolean }
export type Deflate = { readonly up: Window; readonly down: Window }

/** What client and origin have agreed on. */
export type Agreed =
  | { readonly kind: 'plain' }
  | { readonly kind: 'deflate'; readonly deflate: Deflate }
  /** An extension that the messages cannot be read with. */
  | { readonly kind: 'unknown'; readonly name: string }
  /** The origin may not answer so (RFC 6455, 9.1; RFC 7692, 5.1). */
  | { readonly kind: 'invalid'; readonly reason: string }

/** The extensions in force, by what the client offered and the origin answered; fields of both handshakes. */
export function agreed(offer: RawHeaders, answer: RawHeaders): Agreed {
  const chosen = extensions(answer)
  if (chosen === undefined) return invalid('Sec-WebSocket-Extensions cannot be read')
  if (chosen.length === 0) return { kind: 'plain' }
  // An offer that cannot be read offers nothing.
  const offered = extensions(offer) ?? []
  const stray = chosen.find(({ name }) => !offered.some((one) => one.name === name))
  if (stray !== undefined) return invalid('an extension that was not offered')
  const unknown = chosen.find(({ name }) => name !== permessageDeflate)
  if (unknown !== undefined) return { kind: 'unknown', name: unknown.name.slice(0, 40) }
  if (chosen.length > 1) return invalid('permessage-deflate twice')
  const offers = offered.filter(({ name }) => name === permessageDeflate)
  return deflated(chosen[0] as Extension, offers)
}

type Extension = { readonly name: string; readonly parameters: ReadonlyMap<string, string | undefined> }

function deflated({ parameters }: Extension, offers: readonly Extension[]): Agreed {
  for (const [name, value] of parameters) {
    const fits = name.endsWith('_bits') ? value !== undefined && bitsForm.test(value) : value === undefined
    if (!known.has(name) || !fits) return invalid('a parameter of permessage-deflate')
  }
  const client = parameters.get('client_max_window_bits')
  if (client !== undefined && !offers.some((offer) => offer.parameters.has('client_max_window_bits')))
    return invalid('client_max_window_bits, which was not offered')
  return {
    kind: 'deflate',
    deflate: {
      up: { bits: Number(client ?? 15), takeover: !parameters.has('client_no_context_takeover') },
      down: {
        bits: Number(parameters.get('server_max_window_bits') ?? 15),
        takeover: !parameters.has('server_no_context_takeover'),
      },
    },
  }
}

/** Sec-WebSocket-Extensions (RFC 6455, 9.1); undefined when it is not of that form. */
function extensions(headers: RawHeaders): Extension[] | undefined {
  const found: Extension[] = []
  const text = valuesOf(headers, 'sec-websocket-extensions').join(',')
  // Each character fits one place of it, so that no value takes more than one pass.
  const element = /[ \t]*(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*((?:;[^;,"]+(?:"[^"]*"[ \t]*)?)*))?(,|$)/y
  while (element.lastIndex < text.length) {
    const match = element.exec(text)
    if (match === null) return undefined
    if (match[1] === undefined) continue
    const parameters = parametersOf(match[2] ?? '')
    if (parameters === undefined) return undefined
    found.push({ name: match[1].toLowerCase(), parameters })
  }
  return found
}

function parametersOf(text: string): Map<string, string | undefined> | undefined {
  const parameters = new Map<string, string | undefined>()
  for (const part of text.split(';').slice(1)) {
    const match = /^\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:\s*=\s*"?([!#$%&'*+.^_`|~0-9A-Za-z-]+)"?)?\s*$/.exec(part)
    if (match === null) return undefined
    const name = (match[1] as string).toLowerCase()
    if (parameters.has(name)) return undefined
    parameters.set(name, match[2])
  }
  return parameters
}

/** The Sec-WebSocket-Accept that answers a Sec-WebSocket-Key (RFC 6455, 4.2.2). */
export function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
}

/** Whether a 101 answers the request's key and switches to a WebSocket (RFC 6455, 4.1). */
export function answersKey(request: RawHeaders, answer: RawHeaders): boolean {
  const key = headerOf(request, 'sec-websocket-key')
  const accepts = valuesOf(answer, 'sec-websocket-accept')
  return (
    key !== undefined &&
    accepts.length === 1 &&
    accepts[0] === acceptOf(key) &&
    headerOf(answer, 'upgrade')?.toLowerCase() === 'websocket'
  )
}

function invalid(reason: string): Agreed {
  return { kind: 'invalid', reason }
}

const permessageDeflate = 'permessage-deflate'
const known = new Set([
  'client_max_window_bits',
  'server_max_window_bits',
  'client_no_context_takeover',
  'server_no_context_takeover',
])
const bitsForm = /^(?:[89]|1[0-5])$/
