import {
  Agent as HttpAgent,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as httpRequest,
  type RequestOptions,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { reasonOf } from './reasons.ts'
import { BatchRefused, SinkError } from './sink.ts'
import { tlsContext, type TlsFiles } from './tls-files.ts'

export type HttpOptions = TlsFiles & {
  /** http or https; user and password in it become an Authorization header. */
  readonly url: string
  /** For the whole of a request and its answer. */
  readonly timeoutMs: number
  /** Whether what is sent is compressed with gzip. */
  readonly gzip?: boolean | undefined
}

/** An answer that has been read to its end; `body` is cut at the bound of the request. */
export type Answer = {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly cut: boolean
}

export type Post = {
  /** Behind the path of the URL, where it may have a query too. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer
  /** Largest answer that is kept. */
  readonly mostBytes?: number
}

/** One receiver that is spoken to over HTTP/1.1, with connections that are kept. Redirects are answers like any other. */
export type HttpClient = {
  /** Throws `SinkError` when there is no answer, and what the signal was aborted with. */
  readonly post: (post: Post, signal: AbortSignal) => Promise<Answer>
  readonly close: () => void
}

/** Throws `config_invalid` for certificate files that cannot be used. */
export function httpClient(options: HttpOptions): HttpClient {
  const url = new URL(options.url)
  const secure = url.protocol === 'https:'
  const pool = { keepAlive: true, maxSockets: 1, maxFreeSockets: 1, scheduling: 'lifo' as const }
  const name = url.hostname.replace(/^\[|\]$/g, '')
  const servername = isIP(name) === 0 ? { servername: name } : {}
  const agent = secure
    ? new HttpsAgent({ ...pool, secureContext: tlsContext(options), rejectUnauthorized: true, ...servername })
    : new HttpAgent(pool)
  const send = (post: Post, body: Buffer, signal: AbortSignal) =>
    exchange({ url, agent, request: secure ? httpsRequest : httpRequest, timeoutMs: options.timeoutMs }, post, {
      body,
      signal,
    })
  return {
    post: async (post, signal) => {
      signal.throwIfAborted()
      const plain = typeof post.body === 'string' ? Buffer.from(post.body) : post.body
      const body = options.gzip === true ? await compressed(plain) : plain
      const headers = {
        ...userOf(url),
        ...post.headers,
        ...(options.gzip === true ? { 'content-encoding': 'gzip' } : {}),
      }
      const whole = { ...post, headers }
      try {
        return await send(whole, body, signal)
      } catch (thrown) {
        // A connection that had been kept was closed by the other side in the meantime: that says nothing about the receiver.
        if (!(thrown instanceof Stale)) throw thrown
        return await send(whole, body, signal)
      }
    },
    close: () => agent.destroy(),
  }
}

/** What most receivers mean by a status other than 2xx; `who` names the sink's kind. */
export function refusal(answer: Answer, who: string, now: () => number): SinkError | BatchRefused {
  const { status } = answer
  if (status === 400 || status === 413 || status === 422) return new BatchRefused(`${who} answered ${status}`)
  const retryAfterMs = retryAfter(answer, now)
  if (status === 401 || status === 403 || status === 407)
    return new SinkError(`${who} answered ${status}: it does not accept our credentials`, { retryAfterMs })
  if (status >= 300 && status < 400)
    return new SinkError(`${who} answered ${status}: redirects are not followed, correct the URL`)
  if (status === 404 || status === 405) return new SinkError(`${who} answered ${status}: is the URL right?`)
  return new SinkError(`${who} answered ${status}`, { retryAfterMs })
}

/** Milliseconds, at most an hour (RFC 9110, 10.2.3). */
export function retryAfter({ headers }: Pick<Answer, 'headers'>, now: () => number): number | undefined {
  const said = headers['retry-after']?.trim()
  if (said === undefined) return undefined
  const wanted = /^\d+$/.test(said) ? Number(said) * 1_000 : Date.parse(said) - now()
  return Number.isNaN(wanted) ? undefined : Math.min(Math.max(wanted, 0), LONGEST_WAIT)
}

/** The JSON of an answer; undefined when it is none. */
export function jsonOf(answer: Answer): unknown {
  if (answer.cut) return undefined
  try {
    return JSON.parse(answer.body.toString('utf8'))
  } catch {
    return undefined
  }
}

/** Says that a kept connection failed before it answered. */
class Stale extends SinkError {}

type Way = {
  readonly url: URL
  readonly agent: HttpAgent
  readonly request: typeof httpRequest
  readonly timeoutMs: number
}

function exchange(
  way: Way,
  post: Post,
  { body, signal }: { readonly body: Buffer; readonly signal: AbortSignal },
): Promise<Answer> {
  const { url, agent, timeoutMs } = way
  return new Promise((resolve, reject) => {
    const headers = { ...post.headers, 'content-length': String(body.length) }
    const path = pathOf(url, post.path)
    const { hostname, port, protocol } = url
    const host = hostname.replace(/^\[|\]$/g, '')
    const sent = begun(way, { protocol, host, port, path, method: 'POST', headers, agent })
    const stop = (why: unknown): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', aborted)
      sent.destroy()
      reject(why)
    }
    const aborted = (): void => stop(signal.reason)
    const timer = setTimeout(() => stop(new SinkError(`${url.host} did not answer within ${timeoutMs} ms`)), timeoutMs)
    signal.addEventListener('abort', aborted, { once: true })
    const failed = (cause: unknown): void => {
      const Kind = sent.reusedSocket && hasCode(cause, 'ECONNRESET', 'EPIPE') ? Stale : SinkError
      stop(new Kind(`cannot deliver to ${url.host}: ${reasonOf(cause)}`, { cause }))
    }
    sent.on('error', failed)
    sent.on('response', (response) => {
      read(response, post.mostBytes ?? ANSWER_BYTES).then((answer) => {
        clearTimeout(timer)
        signal.removeEventListener('abort', aborted)
        // What comes before all is sent is a refusal: the rest would go nowhere.
        if (!sent.writableFinished || answer.cut) sent.destroy()
        resolve(answer)
      }, failed)
    })
    sent.end(body)
  })
}

/** Node refuses characters that HTTP does not allow, such as the line end of a token that was read from a file. */
function begun({ request, url }: Way, options: RequestOptions): ClientRequest {
  try {
    return request(options)
  } catch (cause) {
    throw new SinkError(`cannot send to ${url.host}: a header or the path holds a character that HTTP does not allow`, {
      cause,
    })
  }
}

function pathOf({ pathname, search }: URL, suffix: string): string {
  if (suffix === '') return pathname + search
  const whole = pathname.replace(/\/+$/, '') + suffix
  return search === '' ? whole : `${whole}${suffix.includes('?') ? '&' : '?'}${search.slice(1)}`
}

async function read(response: IncomingMessage, mostBytes: number): Promise<Answer> {
  const chunks: Buffer[] = []
  let [size, cut] = [0, false]
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    cut = size > mostBytes
    if (cut) break
    chunks.push(chunk)
  }
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks), cut }
}

function userOf({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {}
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}

function hasCode(thrown: unknown, ...codes: readonly string[]): boolean {
  return thrown instanceof Error && 'code' in thrown && codes.includes(String(thrown.code))
}

const compressed = promisify(gzip)
const ANSWER_BYTES = 2 ** 20
const LONGEST_WAIT = 3_600_000
