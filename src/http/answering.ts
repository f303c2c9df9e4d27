import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Answer, RawHeaders } from '../core/http.ts'
import { bytesAtHand, pump } from './body.ts'
import { declaresBody, endToEnd, toClient } from './headers.ts'
import { dropRest, lingers } from './linger.ts'

/**
 * Sends an answer on HTTP/1.1, also before its request has wholly come. `last`: nobody will read the rest of the request, so the
 * connection ends with this answer (RFC 9112, 9.3). Rejects when the client went away or the body broke off.
 */
export async function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  { last, hop = [] }: { readonly last: boolean; readonly hop?: RawHeaders | undefined },
): Promise<void> {
  if (isUnread(request)) early(request, response, last)
  await send(request, response, answer, hop)
  if (!isUnread(request)) return
  response.shouldKeepAlive = false
  request.socket.destroySoon()
}

/** A message's first line and its fields, with the empty line. */
export function headText(line: string, headers: RawHeaders): string {
  let text = `${line}\r\n`
  for (let i = 0; i < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`
  return `${text}\r\n`
}

/** Whether a part of its body has not come yet. */
function isUnread(request: IncomingMessage): boolean {
  return !request.complete && declaresBody(request.rawHeaders)
}

function early(request: IncomingMessage, response: ServerResponse, last: boolean): void {
  lingers(request)
  if (!last) return
  response.shouldKeepAlive = false
  // A client may write all of its body before it reads. Whoever reads it here already goes on.
  if (request.listenerCount('readable') + request.listenerCount('data') === 0) dropRest(request)
}

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  { head, body }: Answer,
  hop: RawHeaders,
): Promise<void> {
  response.sendDate = false
  response.writeHead(head.status, head.reason, [...toClient(head.headers), ...hop])
  if (body === null) return ended(response)
  const bytes = bytesAtHand(body)
  if (bytes !== undefined) return ended(response, bytes)
  // Not flushHeaders: before a string, Node writes the header section as UTF-8.
  response.write(noBytes)
  try {
    await pump(body, response)
  } catch (cause) {
    breakOff(request, response, body.length)
    throw cause
  }
  const trailers = endToEnd(body.trailers())
  if (trailers.length > 0) response.addTrailers(pairs(trailers))
  return ended(response)
}

/** No final chunk: the client must see that the message is not complete. Where only the end of the connection tells, it ends with a reset. */
function breakOff(request: IncomingMessage, response: ServerResponse, length: number | undefined): void {
  const untilClose = length === undefined && request.httpVersion === '1.0'
  if (untilClose && !('encrypted' in request.socket)) request.socket.resetAndDestroy()
  response.destroy()
}

function ended(response: ServerResponse, bytes?: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    // Its events are past.
    if (response.destroyed) return reject(new Error('the client went away'))
    response.once('finish', resolve)
    response.once('close', () => reject(new Error('the client went away')))
    if (bytes === undefined) response.end()
    else response.end(bytes)
  })
}

function pairs(headers: RawHeaders): [string, string][] {
  const out: [string, string][] = []
  for (let i = 0; i < headers.length; i += 2) out.push([headers[i] as string, headers[i + 1] as string])
  return out
}

const noBytes = Buffer.alloc(0)
