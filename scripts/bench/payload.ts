/** Bytes in which stamps are rewritten in place, so that no two requests are alike and building them costs nothing. */
export type Payload = { readonly bytes: Buffer; readonly stamps: readonly number[] }

/** A chat request of about `size` bytes, head and all. Every message carries a stamp: nothing that remembers texts can answer from memory. */
export function chatRequest(host: string, size: number, answer: 'json' | 'burst' | 'paced' | 'slow'): Payload {
  const messages: { role: string; content: string }[] = [{ role: 'system', content: `${stamp} ${prose(400, 1)}` }]
  const each = Math.max(200, Math.min(4_000, size - 1_100))
  for (let written = 1_100; written < size || messages.length === 1; written += each) {
    messages.push({
      role: messages.length % 2 === 1 ? 'user' : 'assistant',
      content: `${stamp} ${prose(each - 60, messages.length + 1)}`,
    })
  }
  const body = JSON.stringify({
    model: 'gpt-5.1',
    messages,
    temperature: 0.2,
    ...(answer === 'json' ? {} : { stream: true }),
  })
  const head = [
    'POST /v1/chat/completions HTTP/1.1',
    `Host: ${host}`,
    'Accept: application/json',
    'Content-Type: application/json',
    'User-Agent: OpenAI/JS 7.55.0',
    'Authorization: Bearer none',
    'Accept-Encoding: identity',
    'Connection: keep-alive',
    `X-Bench-Answer: ${answer}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  return payload(`${head.join('\r\n')}\r\n\r\n${body}`)
}

/** A whole chat answer of about `size` bytes. */
export function chatAnswer(size: number): Payload {
  const message = { role: 'assistant', content: `${stamp} ${prose(size - 600, 99)}`, refusal: null }
  const usage = { prompt_tokens: 400, completion_tokens: 300, total_tokens: 700 }
  const choices = [{ index: 0, message, logprobs: null, finish_reason: 'stop' }]
  const body = JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1_760_000_000,
    model: 'gpt-5.1',
    choices,
    usage,
  })
  const head = [
    'HTTP/1.1 200 OK',
    'Content-Type: application/json',
    'x-request-id: req_1',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  return payload(`${head.join('\r\n')}\r\n\r\n${body}`)
}

/** One event of a streamed chat answer; `left` is when it leaves the origin, in nanoseconds of the monotonic clock. */
export function chatEvent(index: number, left: bigint): string {
  const delta = { content: ` ${words[(index * 7) % words.length]}` }
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: null }]
  return `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_760_000_000, model: 'gpt-5.1', system_fingerprint: `t${left}`, choices })}\n\n`
}

/** Writes a number into every stamp. */
export function restamp({ bytes, stamps }: Payload, count: number): Buffer {
  const digits = String(count).padStart(stamp.length, '0')
  for (const at of stamps) bytes.write(digits, at, 'latin1')
  return bytes
}

function payload(text: string): Payload {
  const bytes = Buffer.from(text)
  const stamps: number[] = []
  for (let at = bytes.indexOf(stamp); at >= 0; at = bytes.indexOf(stamp, at + stamp.length)) stamps.push(at)
  return { bytes, stamps }
}

// Plain words in sentences, with a number, a path or a line of code here and there; the same for the same seed.
function prose(length: number, seed: number): string {
  let state = seed * 2_654_435_761
  const next = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state % below
  }
  let text = ''
  for (let i = 0; text.length < length; i++) {
    const word = words[next(words.length)] as string
    text +=
      next(40) === 0
        ? ` \`${word}(${next(1_000)})\``
        : next(60) === 0
          ? ` src/${word}/${word}.ts:${next(400)}`
          : ` ${word}`
    if (i % 13 === 12) text += i % 26 === 25 ? '.\n\n' : ', and'
  }
  return text.slice(0, length)
}

const stamp = '000000000000'

const words = (
  'the report shows that our service reads each request once before it answers because a slow token bucket would hold back ' +
  'every other client please explain how the function keeps its key order when the list of users grows over night and why ' +
  'the password form must never log what people type also compare both branches then write a short summary for the team ' +
  'with numbers from last quarter including cost per region latency at the edge and the share of errors by kind'
).split(' ')
