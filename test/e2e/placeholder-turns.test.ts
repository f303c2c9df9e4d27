import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { testAuthority } from '../support/authority.ts'
import { startOrigin, type Origin } from '../support/origin.ts'
import { throughProxy } from '../support/raw-client.ts'
import { installSallyport, serve, type Installation, type Sallyport } from '../support/sallyport.ts'

// A provider that keeps the conversation itself: later requests do not have the value any more, their answers quote its placeholder.
const secret = 'AKIAZK3QXW5TN7RBJ2VD'
const host = 'api.openai.com'
let origin: Origin
let installation: Installation
let placeholder = ''
const running: Sallyport[] = []

before(async () => {
  const authority = testAuthority()
  origin = await startOrigin(
    (seen, response) => {
      placeholder = /QX_[A-Z_]+_[0-9a-z]{14}/.exec(seen.text())?.[0] ?? placeholder
      const text = `You gave me ${placeholder}.`
      const output = [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text }] }]
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ id: 'r1', object: 'response', status: 'completed', output }))
    },
    { authority, names: [host], alpn: ['http/1.1'] },
  )
  const origins = { [`${host}:443`]: origin }
  installation = await installSallyport({ authority, origins, config: { workers: 2 } })
})

after(async () => {
  for (const one of running) await one[Symbol.asyncDispose]()
  await origin.close()
})

test('a later turn has the value again in whichever process it is answered, and after a new start', async () => {
  const first = await serve(installation)
  running.push(first)
  assert.match(await ask(`keep ${secret} please`), new RegExp(`gave me ${secret}\\.`))
  for (let turn = 0; turn < 8; turn++)
    assert.match(await ask('what did I give you?'), new RegExp(`gave me ${secret}\\.`))
  await first.stop()
  running.push(await serve(installation))
  for (let turn = 0; turn < 4; turn++) assert.match(await ask('and now?'), new RegExp(`gave me ${secret}\\.`))
  assert.deepEqual(installation.filesWith(secret), [])
})

/** Each on a connection of its own. */
async function ask(input: string): Promise<string> {
  const ca = installation.ca()
  const client = await throughProxy(installation.proxyPort, { ca, target: `${host}:443`, alpn: ['http/1.1'] })
  const body = JSON.stringify({ model: 'gpt-5.1', input })
  client.send(
    `POST /v1/responses HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nConnection: close\r\n` +
      `Content-Length: ${body.length}\r\n\r\n${body}`,
  )
  return client.rest()
}
