import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { after, before, test } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import type { OriginHandler } from '../support/origin.ts'
import { speakers } from '../support/speakers.ts'
import type { Speaker } from '../support/speakers.ts'
import { startStage, tlsThrough, type Stage } from '../support/stage.ts'

const secret = 'AKIAZK3QXW5TN7RBJ2VD'
const hosts: Readonly<Record<string, string>> = {
  openai: 'api.openai.com',
  mistral: 'api.mistral.ai',
  anthropic: 'api.anthropic.com',
  gemini: 'generativelanguage.googleapis.com',
  bedrock: 'bedrock-runtime.us-east-1.amazonaws.com',
  cohere: 'api.cohere.com',
  ollama: 'ollama.com',
  generic: 'somewhere.test',
}
const live = '/v1/realtime'

let stage: Stage

/** Says the placeholder it was told, two characters at a time; asked for more, it goes on to what policy blocks. */
const origin: OriginHandler = (seen, response) => {
  const speaker = speakers[decodeURIComponent(String(seen.header('x-speaker')))] as Speaker
  const said = `I use ${placeholderIn(seen.text())}s, twice: ${placeholderIn(seen.text())}. `
  const text = seen.header('x-more') === undefined ? said : `${said}And of the bluebird, too. The end. `
  response.writeHead(200, { 'content-type': speaker.about.contentType })
  for (const bytes of speaker.text(text.match(/.{1,2}/gs) ?? [])) response.write(bytes)
  response.end()
}

const placeholderIn = (text: string): string => /QX_[A-Z_]+_[0-9a-z]{14}/.exec(text)?.[0] ?? 'nothing'

/** A conversation: what the client says comes back in deltas of two characters. */
const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
  new WebSocketServer({ noServer: true }).handleUpgrade(request, socket, head, (opened) => {
    opened.on('message', (data: Buffer) => {
      const at = { response_id: 'r1', item_id: 'i1', output_index: 0, content_index: 0 }
      const text = `I use ${placeholderIn(String(data))}s. ${String(data).includes('birds') ? 'A bluebird. ' : ''}`
      const events = [
        ...(text.match(/.{1,2}/gs) ?? []).map((delta) => ({ type: 'response.output_text.delta', ...at, delta })),
        { type: 'response.output_text.done', ...at, text },
        {
          type: 'response.done',
          response: { id: 'r1', status: 'completed', usage: { input_tokens: 7, output_tokens: 3 } },
        },
      ]
      for (const event of events) opened.send(JSON.stringify(event))
    })
  })
}

before(async () => {
  stage = await startStage(origin, {
    hosts: Object.values(hosts),
    origin: { onUpgrade, alpn: ['http/1.1'] },
    policies: {
      '10-test.yaml': {
        intercept: [{ hosts: ['*'], action: 'inspect' }],
        holdbackMs: 60_000,
        rules: [
          { name: 'keys', on: 'request', hook: 'secrets', action: 'tokenize' },
          {
            name: 'birds',
            on: 'response',
            hook: 'keywords',
            options: { words: ['bluebird'], name: 'birds' },
            action: 'block',
          },
        ],
      },
    },
  })
})

after(() => stage[Symbol.asyncDispose]())

for (const [name, speaker] of Object.entries(speakers)) {
  test(`${name}: through the proxy, a streamed answer has the value again, and the record has not`, async () => {
    const { body, row } = await ask(name, speaker, 'tell')
    assert.equal(saidIn(speaker, body), `I use ${secret}s, twice: ${secret}. `)
    assert.deepEqual([row['decision'], row['state']], ['tokenize', 'done'])
    assert.ok(!JSON.stringify(row).includes(secret))
  })

  test(`${name}: through the proxy, a stream that is blocked ends with the error event of its dialect`, async () => {
    const { body, row } = await ask(name, speaker, 'more')
    assert.ok(!body.includes('bluebird') && !body.includes('The end'))
    assert.match(body.toString('latin1'), /blocked by the policy rule \\?"birds\\?"/)
    assert.doesNotMatch(body.toString('latin1'), /\[DONE\]|message_stop|response\.completed|messageStop|"done":true/)
    assert.deepEqual([row['decision'], row['rule'], row['error']], ['block', 'birds', 'sallyport_blocked'])
  })
}

test('on a WebSocket through the proxy the value comes back over messages, and a blocked one closes with 1008', async () => {
  const ws = await connected()
  const events: { type: string; delta?: string; text?: string }[] = []
  ws.on('message', (data: Buffer) => void events.push(JSON.parse(String(data)) as (typeof events)[number]))
  ws.send(JSON.stringify({ type: 'session.update', session: { instructions: `use ${secret} please` } }))
  while (!events.some(({ type }) => type === 'response.done')) await once(ws, 'message')
  assert.equal(events.map(({ delta }) => delta ?? '').join(''), `I use ${secret}s. `)
  assert.equal(events.find(({ text }) => text !== undefined)?.text, `I use ${secret}s. `)
  const closed = once(ws, 'close') as Promise<[number, Buffer]>
  ws.send(JSON.stringify({ type: 'session.update', session: { instructions: `birds with ${secret} please` } }))
  const [code, reason] = await closed
  assert.deepEqual([code, String(reason)], [1008, 'blocked by the policy rule "birds"'])
  assert.equal(events.at(-1)?.type, 'error')
  assert.ok(!JSON.stringify(events).includes('bluebird'))
  const row = await stage.row('exchanges', (one) => one['operation'] === 'realtime')
  assert.deepEqual(
    [row['decision'], row['operation'], row['input_tokens'], row['output_tokens']],
    ['block', 'realtime', 7, 3],
  )
  assert.ok(!JSON.stringify(row).includes(secret))
})

test('nowhere in its folder is the value as it is', () => {
  assert.deepEqual(stage.sallyport.filesWith(secret), [])
})

async function ask(name: string, speaker: Speaker, what: 'tell' | 'more') {
  const { host, path, target } = placeOf(speaker)
  const client = await stage.connect(target)
  const body = JSON.stringify({ stream: true, messages: [{ role: 'user', content: `use ${secret} please` }] })
  const query = `?n=${encodeURIComponent(name)}&${what}`
  const more = what === 'more' ? 'X-More: yes\r\n' : ''
  client.send(
    `POST ${path}${query} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nX-Speaker: ${encodeURIComponent(name)}\r\n` +
      `${more}Connection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
  const answer = Buffer.from(await client.rest(), 'latin1')
  const at = answer.indexOf('\r\n\r\n')
  assert.match(answer.toString('latin1', 0, at), /^HTTP\/1\.1 200 /)
  const row = await stage.row('exchanges', (one) => String(one['path']).startsWith(path) && !told.has(one['id']))
  told.add(row['id'])
  return { body: unchunked(answer.subarray(at + 4)), row }
}

const told = new Set<unknown>()

function placeOf({ provider, about }: Speaker) {
  const host = hosts[provider.name] as string
  return { host, path: about.target.path, target: `${host}:443` }
}

function unchunked(body: Buffer): Buffer {
  const pieces: Buffer[] = []
  for (let at = 0; at < body.length;) {
    const lineEnd = body.indexOf('\r\n', at)
    const size = Number.parseInt(body.toString('latin1', at, lineEnd), 16)
    pieces.push(body.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = lineEnd + 2 + size + 2
  }
  return Buffer.concat(pieces)
}

/** The growing texts of a stream, as its reader puts them together. */
function saidIn({ provider, about }: Speaker, body: Buffer): string {
  const reader = provider.reader(about)
  const events = [...(reader?.push(body) ?? []), ...(reader?.end() ?? [])]
  return events.flatMap(({ parts }) => parts.filter(({ whole }) => !whole).map(({ text }) => text)).join('')
}

async function connected(): Promise<WebSocket> {
  const host = 'api.openai.com'
  const socket = await tlsThrough(stage.sallyport.proxyPort, `${host}:443`, stage.sallyport.ca(), ['http/1.1'])
  const ws = new WebSocket(`wss://${host}${live}?model=gpt-realtime`, { createConnection: () => socket })
  await once(ws, 'open')
  return ws
}
