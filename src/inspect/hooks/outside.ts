import * as http from 'node:http'
import * as https from 'node:https'
import { SallyportError } from '../../core/errors.ts'
import { parseStrictJson } from '../../lib/strict-json.ts'

/** Asks once; resolves to the JSON of the answer, rejects with `hook_failed`. */
export type Ask = (body: Uint8Array, headers: http.OutgoingHttpHeaders, signal: AbortSignal) => Promise<unknown>

/**
 * A service beside us that is asked with JSON. Whatever is not a 200 with at most `maxBytes` of JSON is a failure: redirects, other
 * statuses, codings, media types that are not JSON, names that stand twice. Its certificate is verified, and no proxy of the
 * environment is used. Errors name `what` it is and its host only: a URL or a header may hold a credential.
 */
export function outside(url: URL, { what, maxBytes }: { readonly what: string; readonly maxBytes: number }): Ask {
  const secure = url.protocol === 'https:'
  const agent = new (secure ? https : http).Agent({ keepAlive: true, maxSockets: 64, maxFreeSockets: 8 })
  const send = secure ? https.request : http.request

  async function ask(body: Uint8Array, own: http.OutgoingHttpHeaders, signal: AbortSignal): Promise<unknown> {
    const headers = {
      ...own,
      'content-type': 'application/json',
      'content-length': body.length,
      accept: 'application/json',
      'accept-encoding': 'identity',
    }
    for (let attempt = 1; ; attempt++) {
      const outcome = await exchange(body, headers, signal)
      if (outcome.kind === 'answered') return outcome.value
      // The other side had closed the kept connection: the question was not read, so it is asked once more.
      if (attempt > 1 || !outcome.stale) {
        throw new SallyportError('hook_failed', `the ${what} at ${url.host} ${outcome.what}`, { cause: outcome.cause })
      }
    }
  }

  function exchange(body: Uint8Array, headers: http.OutgoingHttpHeaders, signal: AbortSignal): Promise<Outcome> {
    const { promise, resolve } = Promise.withResolvers<Outcome>()
    const request = send(url, { method: 'POST', headers, agent, signal, maxHeaderSize: 16_384 })
    const lost = (cause: unknown): void => {
      const stale = request.reusedSocket && !signal.aborted && (cause as NodeJS.ErrnoException).code === 'ECONNRESET'
      resolve({ kind: 'failed', what: 'cannot be asked', stale, cause })
    }
    request.on('error', lost)
    request.on('response', (answer) => {
      const wrong = wrongHead(answer)
      if (wrong === undefined) readAnswer(answer, maxBytes).then(resolve, lost)
      else {
        request.destroy()
        resolve(failed(wrong))
      }
    })
    request.end(body)
    return promise
  }

  return ask
}

type Outcome =
  | { readonly kind: 'answered'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly what: string; readonly stale: boolean; readonly cause: unknown }

/** Who does not say what it is, is taken at its word as JSON. */
function wrongHead({ statusCode, headers }: http.IncomingMessage): string | undefined {
  if (statusCode !== 200) return `answers with status ${statusCode}`
  const type = headers['content-type']
  if (type !== undefined && !jsonMedia.test(type)) return 'answers with something that is not JSON'
  const coding = headers['content-encoding']
  return coding === undefined || coding === 'identity' ? undefined : 'answers in a coding that was not asked for'
}

async function readAnswer(answer: http.IncomingMessage, maxBytes: number): Promise<Outcome> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of answer as AsyncIterable<Uint8Array>) {
    chunks.push(chunk)
    length += chunk.length
    if (length > maxBytes) return failed(`answers with more than ${maxBytes} bytes`)
  }
  try {
    return { kind: 'answered', value: parseStrictJson(Buffer.concat(chunks)) }
  } catch (cause) {
    return failed(`answers with JSON that cannot be read: ${cause instanceof Error ? cause.message : 'unknown'}`)
  }
}

const failed = (what: string): Outcome => ({ kind: 'failed', what, stale: false, cause: undefined })
const jsonMedia = /^application\/(?:[a-z0-9.+-]{1,60}\+)?json\s*(?:;|$)/i
