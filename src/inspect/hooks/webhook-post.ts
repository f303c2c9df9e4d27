import * as http from 'node:http'
import * as https from 'node:https'
import { SallyportError } from '../../core/errors.ts'

/**
 * Posts JSON and gives the text of a 200 answer. Redirects, other statuses and answers over 64 KB are failures. Errors name the host
 * only: a URL may hold a credential.
 */
export function postJson(url: URL): (body: Uint8Array, signature: string, signal: AbortSignal) => Promise<string> {
  const secure = url.protocol === 'https:'
  const agent = new (secure ? https : http).Agent({ keepAlive: true, maxSockets: 64, maxFreeSockets: 8 })
  const send = secure ? https.request : http.request

  async function post(body: Uint8Array, signature: string, signal: AbortSignal): Promise<string> {
    for (let attempt = 1; ; attempt++) {
      const outcome = await exchange(body, signature, signal)
      if (outcome.kind === 'answered') return outcome.text
      // The other side had closed the kept connection: the question was not read, so it is asked once more.
      if (attempt > 1 || !outcome.stale) throw failed(url, outcome.what, outcome.cause)
    }
  }

  function exchange(body: Uint8Array, signature: string, signal: AbortSignal): Promise<Outcome> {
    const { promise, resolve } = Promise.withResolvers<Outcome>()
    const headers = {
      'content-type': 'application/json',
      'content-length': body.length,
      accept: 'application/json',
      'sallyport-signature': signature,
    }
    const request = send(url, { method: 'POST', headers, agent, signal, maxHeaderSize: 16_384 })
    const lost = (cause: unknown): void => {
      const stale = request.reusedSocket && !signal.aborted && (cause as NodeJS.ErrnoException).code === 'ECONNRESET'
      resolve({ kind: 'failed', what: 'cannot be asked', stale, cause })
    }
    request.on('error', lost)
    request.on('response', (answer) => {
      if (answer.statusCode === 200) readAnswer(answer).then(resolve, lost)
      else {
        request.destroy()
        resolve({ kind: 'failed', what: `answers with status ${answer.statusCode}`, stale: false, cause: undefined })
      }
    })
    request.end(body)
    return promise
  }

  return post
}

type Outcome =
  | { readonly kind: 'answered'; readonly text: string }
  | { readonly kind: 'failed'; readonly what: string; readonly stale: boolean; readonly cause: unknown }

async function readAnswer(answer: http.IncomingMessage): Promise<Outcome> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of answer as AsyncIterable<Uint8Array>) {
    chunks.push(chunk)
    length += chunk.length
    if (length > MOST_BYTES) {
      return { kind: 'failed', what: `answers with more than ${MOST_BYTES} bytes`, stale: false, cause: undefined }
    }
  }
  return { kind: 'answered', text: Buffer.concat(chunks).toString('utf8') }
}

function failed(url: URL, what: string, cause: unknown): SallyportError {
  return new SallyportError('hook_failed', `the webhook at ${url.host} ${what}`, { cause })
}

const MOST_BYTES = 65_536
