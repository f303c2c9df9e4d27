import { constants } from 'node:http2'
import type { OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { SallyportError } from '../core/errors.ts'
import type { Answer, Body } from '../core/http.ts'
import { abandon, bytesAtHand } from './body.ts'
import { endWithTrailers, grouped } from './field-section.ts'
import { toClient } from './headers.ts'
import { resetCode } from './stream-reset.ts'

/**
 * Sends an answer on a stream; resolves when the client's side has taken it. Rejects when the client went away, took nothing for `stallMs`,
 * or the body broke off, by which the stream is then reset.
 */
export async function sendOnStream(stream: ServerHttp2Stream, { head, body }: Answer, stallMs: number): Promise<void> {
  if (stream.destroyed) throw clientGone()
  const headers: OutgoingHttpHeaders = { ':status': head.status, ...grouped(toClient(head.headers)) }
  // It ends with its head, whatever its origin sends (RFC 9110, 15.3.6).
  if (head.status === 205) delete headers['content-length']
  const bytes = body === null ? undefined : bytesAtHand(body)
  stream.respond(headers, {
    endStream: body === null,
    waitForTrailers: body !== null && bytes === undefined,
    ...withoutDate,
  })
  // An answer to HEAD, a 204 or a 304 ends with its head.
  if (body === null || stream.writableEnded) return abandon(body)
  if (bytes !== undefined && bytes.length <= pieceBytes) return finished(stream, stallMs, bytes)
  try {
    if (bytes !== undefined) await sendPieces(stream, bytes, stallMs)
    else await sendBody(stream, body, stallMs)
  } catch (cause) {
    stream.close(resetCode(cause))
    throw cause
  }
  return finished(stream, stallMs)
}

async function sendBody(stream: ServerHttp2Stream, body: Body, stallMs: number): Promise<void> {
  stream.once('wantTrailers', () => endWithTrailers(stream, body.trailers()))
  for await (const chunk of body) {
    if (stream.destroyed) throw clientGone()
    if (!stream.write(chunk)) await drained(stream, stallMs)
  }
}

/** In pieces, so that a slow client is told from one that takes nothing. */
async function sendPieces(stream: ServerHttp2Stream, bytes: Uint8Array, stallMs: number): Promise<void> {
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    if (stream.destroyed) throw clientGone()
    if (!stream.write(bytes.subarray(at, at + pieceBytes))) await drained(stream, stallMs)
  }
}

function drained(stream: ServerHttp2Stream, stallMs: number): Promise<void> {
  return within(stream, 'drain', stallMs)
}

function finished(stream: ServerHttp2Stream, stallMs: number, bytes?: Uint8Array): Promise<void> {
  // Its events are past.
  if (stream.destroyed) return Promise.reject(clientGone())
  const finish = within(stream, 'finish', stallMs)
  if (bytes === undefined) stream.end()
  else stream.end(bytes)
  return finish
}

function within(stream: ServerHttp2Stream, event: 'drain' | 'finish', stallMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      clearTimeout(timer)
      stream.off(event, done).off('close', closed)
      resolve()
    }
    const closed = (): void => {
      clearTimeout(timer)
      stream.off(event, done)
      // A whole answer may close the stream before `finish` is told.
      if (event === 'finish' && stream.rstCode === constants.NGHTTP2_NO_ERROR) resolve()
      else reject(clientGone())
    }
    const timer = setTimeout(() => {
      stream.off(event, done).off('close', closed)
      stream.close(constants.NGHTTP2_CANCEL)
      reject(new SallyportError('client_aborted', 'the answer was not read'))
    }, stallMs)
    stream.once(event, done).once('close', closed)
  })
}

function clientGone(): Error {
  return new Error('the client went away')
}

const pieceBytes = 65_536
// Missing from the type declarations: without it Node adds a Date that the origin did not send.
const withoutDate: object = { sendDate: false }
