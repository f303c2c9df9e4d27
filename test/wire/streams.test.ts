import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { fakeProviders } from '../support/fake-providers.ts'
import type { OriginHandler } from '../support/origin.ts'
import { startStage, type Stage } from '../support/stage.ts'

const secret = 'AKIAZK3QXW5TN7RBJ2VD'
const prompt = `deploy with ${secret} please`
// The same dialects under names of their own, each with its own policy.
const kinds = ['plain', 'tokenize', 'redact', 'block', 'observe'] as const
const hosts = kinds.flatMap((kind) => ['openai', 'anthropic', 'gemini'].map((dialect) => `${dialect}.${kind}.test`))

let stage: Stage

before(async () => {
  const rule = (kind: string, on: string, action: string) => ({
    name: `${kind} ${on}`,
    on,
    when: { host: [`*.${kind}.test`] },
    hook: 'secrets',
    action,
  })
  stage = await startStage(fakeProviders({ delta: 1 }), {
    hosts,
    policies: {
      '10-test.yaml': {
        intercept: [{ hosts: ['*.test'], action: 'inspect' }],
        holdbackMs: 60_000,
        rules: [
          rule('tokenize', 'request', 'tokenize'),
          rule('redact', 'response', 'redact'),
          rule('block', 'response', 'block'),
          rule('observe', 'both', 'flag'),
        ],
      },
    },
  })
})

after(() => stage[Symbol.asyncDispose]())

type Dialect = {
  readonly name: string
  readonly host: string
  readonly path: string
  readonly request: (prompt: string, tools: boolean) => unknown
  /** What a client reads from the stream: its text, or the tool's argument. */
  readonly text: (events: readonly Event[]) => string
  readonly argument?: (events: readonly Event[]) => string
  readonly terminator: RegExp
}

type Event = Readonly<Record<string, unknown>>

/** The text at a path of an event, empty when there is none. */
function at(event: unknown, ...path: (string | number)[]): string {
  const found = path.reduce<unknown>(
    (some, key) => (some as Record<string | number, unknown> | undefined)?.[key],
    event,
  )
  return typeof found === 'string' ? found : ''
}

const openaiTools = [{ type: 'function', function: { name: 'save', parameters: {} } }]
const dialects: Dialect[] = [
  {
    name: 'OpenAI chat',
    host: 'openai',
    path: '/v1/chat/completions',
    request: (content, tools) => ({
      model: 'gpt-5.1',
      stream: true,
      messages: [{ role: 'user', content }],
      ...(tools ? { tools: openaiTools } : {}),
    }),
    text: (events) => events.map((event) => at(event, 'choices', 0, 'delta', 'content')).join(''),
    argument: (events) =>
      events.map((event) => at(event, 'choices', 0, 'delta', 'tool_calls', 0, 'function', 'arguments')).join(''),
    terminator: /data: \[DONE\]/,
  },
  {
    name: 'OpenAI responses',
    host: 'openai',
    path: '/v1/responses',
    request: (input, tools) => ({
      model: 'gpt-5.1',
      stream: true,
      input,
      ...(tools ? { tools: [{ type: 'function', name: 'save' }] } : {}),
    }),
    text: (events) =>
      events.map((event) => (event['type'] === 'response.output_text.delta' ? at(event, 'delta') : '')).join(''),
    argument: (events) =>
      events
        .map((event) => (event['type'] === 'response.function_call_arguments.delta' ? at(event, 'delta') : ''))
        .join(''),
    terminator: /response\.completed/,
  },
  {
    name: 'Anthropic messages',
    host: 'anthropic',
    path: '/v1/messages',
    request: (content, tools) => ({
      model: 'claude-sonnet-5-5',
      max_tokens: 9,
      stream: true,
      messages: [{ role: 'user', content }],
      ...(tools ? { tools: [{ name: 'save', input_schema: { type: 'object' } }] } : {}),
    }),
    text: (events) => events.map((event) => at(event, 'delta', 'text')).join(''),
    argument: (events) => events.map((event) => at(event, 'delta', 'partial_json')).join(''),
    terminator: /message_stop/,
  },
  {
    name: 'Gemini SSE',
    host: 'gemini',
    path: '/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse',
    request: (text) => ({ contents: [{ role: 'user', parts: [{ text }] }] }),
    text: (events) => events.map((event) => at(event, 'candidates', 0, 'content', 'parts', 0, 'text')).join(''),
    terminator: /"finishReason"/,
  },
  {
    name: 'Gemini JSON array',
    host: 'gemini',
    path: '/v1beta/models/gemini-2.5-pro:streamGenerateContent',
    request: (text) => ({ contents: [{ role: 'user', parts: [{ text }] }] }),
    text: (events) => events.map((event) => at(event, 'candidates', 0, 'content', 'parts', 0, 'text')).join(''),
    terminator: /"finishReason"/,
  },
]

async function ask(dialect: Dialect, kind: string, said: string, tools = false) {
  const host = `${dialect.host}.${kind}.test`
  const body = JSON.stringify(dialect.request(said, tools))
  const client = await stage.connect(host)
  const head = `POST ${dialect.path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}`
  client.send(Buffer.from(`${head}\r\nConnection: close\r\n\r\n${body}`))
  const answer = await client.answer()
  client.close()
  const text = Buffer.from(answer.body, 'latin1').toString()
  return { ...answer, text, events: eventsOf(text) }
}

function eventsOf(text: string): Event[] {
  if (text.startsWith('[')) {
    try {
      return JSON.parse(text) as Event[]
    } catch {
      return []
    }
  }
  return [...text.matchAll(/^data: (\{.*\})$/gm)].map(([, data]) => JSON.parse(data as string) as Event)
}

const lastRow = async (kind: string, count: number) => {
  const fits = (row: Record<string, unknown>) => String(row['host']).includes(kind) && row['state'] !== 'open'
  return (await stage.sallyport.rowsWhen('exchanges', (rows) => rows.filter(fits).length >= count)).filter(fits)
}

for (const dialect of dialects) {
  test(`${dialect.name}: a stream that nobody changes passes byte for byte`, async () => {
    let sent = ''
    stage.origin.answer(recording(fakeProviders({ delta: 3 }), (chunk) => (sent += chunk)))
    const answer = await ask(dialect, 'plain', 'h\u00e9llo w\u00f6rld')
    assert.equal(answer.text, sent)
    assert.equal(dialect.text(answer.events), 'h\u00e9llo w\u00f6rld')
  })

  for (const delta of [1, 2, 3, 5, 8, 13, 40]) {
    test(`${dialect.name}: a placeholder is put back in deltas of ${delta}`, async () => {
      stage.origin.answer(fakeProviders({ delta }))
      const answer = await ask(dialect, 'tokenize', prompt)
      assert.ok(!stage.origin.seen.at(-1)?.text().includes(secret))
      assert.equal(dialect.text(answer.events), prompt)
      assert.match(answer.text, dialect.terminator)
      if (dialect.argument === undefined) return
      const called = await ask(dialect, 'tokenize', `say "${secret}"\\`, true)
      assert.deepEqual(JSON.parse(dialect.argument(called.events)), { text: `say "${secret}"\\` })
    })

    test(`${dialect.name}: a secret in an answer is redacted in deltas of ${delta}`, async () => {
      stage.origin.answer(fakeProviders({ delta, says: () => prompt }))
      const answer = await ask(dialect, 'redact', 'hello')
      assert.ok(!answer.text.includes(secret))
      const said = dialect.text(answer.events)
      assert.ok(said.startsWith('deploy with ') && said.endsWith(' please') && !said.includes('RBJ2VD'), said)
      assert.match(answer.text, dialect.terminator)
      if (dialect.argument === undefined) return
      const called = await ask(dialect, 'redact', 'hello', true)
      const argument = JSON.parse(dialect.argument(called.events)) as { text: string }
      assert.ok(argument.text.startsWith('deploy with ') && !called.text.includes(secret), called.text)
    })
  }

  test(`${dialect.name}: a block in a stream says so in the dialect, and the stream does not end as a whole one would`, async () => {
    stage.origin.answer(fakeProviders({ delta: 4, says: () => prompt }))
    const answer = await ask(dialect, 'block', 'hello')
    assert.equal(answer.status, 200)
    assert.ok(!answer.text.includes(secret) && !answer.text.includes(secret.slice(0, 12)), answer.text)
    assert.match(answer.text, /error/)
    assert.match(answer.text, /block response/)
    assert.doesNotMatch(answer.text, dialect.terminator)
    const rows = await lastRow('.block.', 1)
    assert.equal(rows.at(-1)?.['decision'], 'block')
  })

  test(`${dialect.name}: what is only observed passes unchanged and is not kept`, async () => {
    stage.origin.answer(fakeProviders({ delta: 6 }))
    const answer = await ask(dialect, 'observe', prompt)
    assert.equal(dialect.text(answer.events), prompt)
    const row = (await lastRow('.observe.', 1)).at(-1)
    assert.equal(row?.['decision'], 'flag')
  })
}

test('events leave one by one: each is read before the origin sends the next', async () => {
  for (const kind of ['plain', 'tokenize', 'redact']) {
    let release = (): void => {}
    let gate = new Promise<void>((resolve) => (release = resolve))
    stage.origin.answer(async (_seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      for (let i = 0; i < 5; i += 1) {
        response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: `word${i}. ` } }] })}\n\n`)
        await gate
      }
      response.end('data: [DONE]\n\n')
    })
    const host = `openai.${kind}.test`
    const body = JSON.stringify({ model: 'gpt-5.1', stream: true, messages: [{ role: 'user', content: 'hi' }] })
    const client = await stage.connect(host)
    client.send(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
    for (let i = 0; i < 5; i += 1) {
      await client.until(`word${i}. `)
      const open = release
      gate = new Promise<void>((resolve) => (release = resolve))
      open()
    }
    await client.until('[DONE]')
    client.close()
  }
})

test('the secret is nowhere in the data folder, in whatever mode it came by', async () => {
  await lastRow('.test', 1)
  await stage.sallyport.rowsWhen('exchanges', (rows) => rows.every((row) => row['state'] !== 'open'))
  assert.deepEqual(stage.sallyport.filesWith(secret), [])
  assert.ok(!stage.sallyport.log().includes(secret))
})

/** The same handler, and what it wrote. */
function recording(handler: OriginHandler, wrote: (chunk: string) => void): OriginHandler {
  return (seen, response, request) => {
    const write = response.write.bind(response) as (chunk: unknown) => boolean
    response.write = ((chunk: unknown) => {
      wrote(String(chunk))
      return write(chunk)
    }) as typeof response.write
    return handler(seen, response, request)
  }
}
