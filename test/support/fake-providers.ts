import { brotliCompressSync, createGzip, gzipSync } from 'node:zlib'
import { anthropicAnswer } from './fake-anthropic.ts'
import { geminiAnswer } from './fake-gemini.ts'
import { openaiAnswer } from './fake-openai.ts'
import type { OriginHandler, OriginResponse, SeenRequest } from './origin.ts'

export type FakeOptions = {
  /** Characters (UTF-16 code units) in each delta of a stream; whole by default. */
  readonly delta?: number
  /** What is said; default the last text of the user. */
  readonly says?: (last: string) => string
  /** Compresses whole answers, and streams (gzip, flushed after each event). */
  readonly coding?: 'gzip' | 'br'
  /** Awaited before each event of a stream. */
  readonly pace?: () => Promise<unknown>
}

/** A JSON answer, or the events of a stream in the words of the dialect; `raw` pieces are sent as they are. */
export type FakeAnswer =
  | {
      readonly kind: 'json'
      readonly status?: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body: unknown
    }
  | { readonly kind: 'sse'; readonly headers?: Readonly<Record<string, string>>; readonly events: readonly SseEvent[] }
  | { readonly kind: 'raw'; readonly type: string; readonly pieces: readonly string[] }

export type SseEvent = { readonly event?: string; readonly data: unknown }

export type Speech = {
  readonly text: string
  /** Cuts a text into deltas. */
  readonly cut: (text: string) => string[]
}

/** The token counts that every fake answers with, in disjoint buckets. */
export const fakeUsage = { input: 16, cachedInput: 4, output: 7, reasoning: 2 } as const

/**
 * Plays OpenAI, Anthropic and Gemini on one origin, told apart by path. Each echoes the last text of the user; offered tools, it
 * calls the first with `{"text": …}` instead. What restores a placeholder can thus be seen in text and in tool arguments.
 */
export function fakeProviders(options: FakeOptions = {}): OriginHandler {
  return async (seen, response) => {
    const answer = answerTo(seen, options)
    if (answer === undefined) {
      response.writeHead(404, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ error: { message: `no such path: ${seen.method} ${seen.url}` } }))
      return
    }
    if (answer.kind === 'json') sendWhole(response, answer, options)
    else await sendPieces(response, answer, options)
  }
}

function answerTo(seen: SeenRequest, options: FakeOptions): FakeAnswer | undefined {
  const request = seen.body.length === 0 ? {} : (seen.json() as Record<string, unknown>)
  const speak = (last: string): Speech => ({
    text: (options.says ?? ((text) => text))(last),
    cut: (text) => cut(text, options.delta),
  })
  const [path = ''] = seen.url.split('?')
  return (
    openaiAnswer(path, request, speak) ??
    anthropicAnswer(path, request, speak) ??
    geminiAnswer(seen.url, request, speak)
  )
}

function sendWhole(response: OriginResponse, answer: FakeAnswer & { kind: 'json' }, { coding }: FakeOptions): void {
  const text = Buffer.from(JSON.stringify(answer.body))
  const body = coding === 'gzip' ? gzipSync(text) : coding === 'br' ? brotliCompressSync(text) : text
  response.writeHead(answer.status ?? 200, {
    'content-type': 'application/json',
    ...answer.headers,
    ...(coding === undefined ? {} : { 'content-encoding': coding }),
    'content-length': String(body.length),
  })
  response.end(body)
}

async function sendPieces(
  response: OriginResponse,
  answer: Exclude<FakeAnswer, { kind: 'json' }>,
  options: FakeOptions,
): Promise<void> {
  const zipped = options.coding === 'gzip' ? createGzip() : undefined
  const headers =
    answer.kind === 'sse'
      ? { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache', ...answer.headers }
      : { 'content-type': answer.type }
  response.writeHead(200, { ...headers, ...(zipped === undefined ? {} : { 'content-encoding': 'gzip' }) })
  zipped?.on('data', (chunk: Buffer) => response.write(chunk))
  for (const piece of answer.kind === 'sse' ? answer.events.map(spelled) : answer.pieces) {
    await options.pace?.()
    if (response.destroyed) return
    if (zipped === undefined) response.write(piece)
    else await new Promise<void>((done) => (zipped.write(piece), zipped.flush(done)))
  }
  if (zipped !== undefined) await new Promise<void>((done) => zipped.on('end', done).end())
  response.end()
}

function spelled({ event, data }: SseEvent): string {
  const text = typeof data === 'string' ? data : JSON.stringify(data)
  return `${event === undefined ? '' : `event: ${event}\n`}data: ${text}\n\n`
}

function cut(text: string, length = text.length): string[] {
  if (text === '') return ['']
  const pieces: string[] = []
  for (let at = 0; at < text.length; at += length) pieces.push(text.slice(at, at + length))
  return pieces
}
