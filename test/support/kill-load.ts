import { Agent, request } from 'node:http'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { setTimeout as delay } from 'node:timers/promises'
import type { OriginHandler } from './origin.ts'

export type Load = {
  /** How many answers came whole so far. */
  readonly answered: () => number
  /** Lets each client end what it is at. */
  readonly stop: () => Promise<void>
}

/** What a request asks `killOrigin` for; in the path, with a name of its own behind it: `/v1/KIND/NAME`. */
const shapes = [
  { kind: 'small', bytes: 40 },
  { kind: 'small', bytes: 3_000 },
  { kind: 'big', bytes: 40 },
  { kind: 'small', bytes: 150_000 },
  { kind: 'slow', bytes: 40 },
  { kind: 'big', bytes: 90_000 },
] as const

/**
 * Clients that ask `host` through the proxy without pause, each request with a path of its own: small ones, ones and answers that go to files,
 * slow streams. They go on through refused and broken connections.
 */
export function startLoad(proxyPort: number, options: { host: string; ca: string; clients: number }): Load {
  const agent = agentThrough(proxyPort, options)
  const stopped = new AbortController()
  let answered = 0
  const client = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      const number = sent++
      const { kind, bytes } = shapes[number % shapes.length]!
      const complete = await ask(agent, { host: options.host, path: `/v1/${kind}/${number}`, bytes })
      if (complete) answered += 1
      else await delay(10)
    }
  }
  const clients = Array.from({ length: options.clients }, client)
  return {
    answered: () => answered,
    stop: async () => {
      stopped.abort()
      await Promise.all(clients)
      agent.destroy()
    },
  }
}

/** Answers as the path says. Its bodies are no text that compresses well, and go to files where they are big. */
export const killOrigin: OriginHandler = async (seen, response) => {
  const { pathname } = new URL(seen.url, 'https://origin.test')
  if (pathname.startsWith('/v1/slow/')) {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (let i = 0; i < 8 && !response.destroyed; i += 1) {
      response.write(`data: {"choices":[{"index":0,"delta":{"content":"${seen.url} ${i}"}}]}\n\n`)
      await delay(25)
    }
    response.end('data: [DONE]\n\n')
    return
  }
  const bytes = pathname.startsWith('/v1/big/') ? 120_000 : 100
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ choices: [{ message: { role: 'assistant', content: words(bytes, seen.url) } }] }))
}

function ask(agent: Agent, { host, path, bytes }: { host: string; path: string; bytes: number }): Promise<boolean> {
  const body = JSON.stringify({ model: 'gpt-5.1', messages: [{ role: 'user', content: words(bytes, path) }] })
  return new Promise((resolve) => {
    const headers = { host, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const asking = request({ agent, host, method: 'POST', path, headers }, (answer) => {
      answer.on('error', () => {}).on('close', () => resolve(answer.complete && answer.statusCode === 200))
      answer.resume()
    })
    asking.on('error', () => resolve(false))
    asking.end(body)
  })
}

function agentThrough(proxyPort: number, { host, ca }: { host: string; ca: string }): Agent {
  const agent = new Agent({ keepAlive: true })
  agent.createConnection = (_options, created) => {
    const settled = once(created as (cause: Error | null, socket?: Socket) => void)
    const tcp = connectTcp({ port: proxyPort, host: '127.0.0.1', noDelay: true })
    const failed = (): void => settled(new Error('no connection'))
    tcp.on('error', failed).on('close', failed)
    tcp.write(`CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\n\r\n`)
    tcp.once('data', (head: Buffer) => {
      if (!head.toString('latin1').startsWith('HTTP/1.1 200 ')) return void tcp.destroy()
      const tls = connectTls({ socket: tcp, servername: host, ca })
      tls.on('error', failed).on('close', failed)
      tls.once('secureConnect', () => settled(null, tls))
    })
    return undefined
  }
  return agent
}

function once(told: (cause: Error | null, socket?: Socket) => void): typeof told {
  let done = false
  return (cause, socket) => {
    if (!done) told(cause, socket)
    done = true
  }
}

function words(length: number, seed: string): string {
  let text = seed
  for (let state = length; text.length < length;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    text += ` ${state.toString(36)}`
  }
  return text
}

let sent = 0
