import type { RawClient } from './raw-client.ts'

/** An HTTP/1.1 message as it came: its lines, its body without the chunked coding, and its trailer lines. */
export type Message = {
  /** Heads of 1xx answers before it. */
  readonly interim: readonly string[]
  readonly head: string
  readonly body: string
  readonly trailers: string
}

/** Reads a request, to its end. */
export async function readRequest(from: RawClient): Promise<Message> {
  const head = await from.until('\r\n\r\n')
  const length = lengthOf(head)
  if (isChunked(head)) return { interim: [], head, ...(await chunks(from)) }
  return { interim: [], head, body: length === undefined ? '' : await from.until(length), trailers: '' }
}

/** Reads the answer to a request of this method, to its end; 1xx answers come with it. */
export async function readAnswer(from: RawClient, method: string): Promise<Message> {
  const interim: string[] = []
  let head = await from.until('\r\n\r\n')
  for (; /^HTTP\/1\.\d 1/.test(head); head = await from.until('\r\n\r\n')) interim.push(head)
  if (method === 'HEAD' || /^HTTP\/1\.\d (?:204|304)/.test(head)) return { interim, head, body: '', trailers: '' }
  if (isChunked(head)) return { interim, head, ...(await chunks(from)) }
  const length = lengthOf(head)
  return { interim, head, body: length === undefined ? await from.rest() : await from.until(length), trailers: '' }
}

async function chunks(from: RawClient): Promise<{ body: string; trailers: string }> {
  let body = ''
  for (;;) {
    const size = Number.parseInt(await from.until('\r\n'), 16)
    if (size === 0) break
    body += (await from.until(size + 2)).slice(0, size)
  }
  let trailers = ''
  for (let line = await from.until('\r\n'); line !== '\r\n'; line = await from.until('\r\n')) trailers += line
  return { body, trailers }
}

function isChunked(head: string): boolean {
  return /\r\ntransfer-encoding:.*chunked/i.test(head)
}

function lengthOf(head: string): number | undefined {
  const length = /\r\ncontent-length:[ \t]*(\d+)/i.exec(head)?.[1]
  return length === undefined ? undefined : Number(length)
}
