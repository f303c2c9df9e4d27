import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { connect as connectTls, createServer } from 'node:tls'
import { proxies } from '../../scripts/bench/contestants.ts'
import { testAuthority } from '../support/authority.ts'
import { script, type Scene } from '../support/differential-script.ts'
import { readAnswer, readRequest, type Message } from '../support/http1-message.ts'
import { over, throughProxy, type RawClient } from '../support/raw-client.ts'
import { startSallyport, type Sallyport } from '../support/sallyport.ts'

// The same script of requests directly, through Sallyport, and through http-mitm-proxy: what the origin saw and what the client saw.

type Sight = { readonly origin: readonly Message[]; readonly client: readonly Message[]; readonly failed?: string }
type Dial = () => Promise<RawClient>

const scenes = script()
const name = 'wire.example'
const authority = testAuthority()
const origin = createServer({ ...authority.issue([name]), ALPNProtocols: ['http/1.1'] })
/** What the origin has seen in the present run: one list for each scene. */
let seen: Message[][] = []
let expected: readonly Sight[] = []
let sallyport: Sallyport

before(async () => {
  origin.on('secureConnection', (socket) => {
    socket.on('error', () => {})
    void serve(over(socket)).catch(() => socket.destroy())
  })
  origin.listen(0, '127.0.0.1')
  await once(origin, 'listening')
  sallyport = await startSallyport({
    authority,
    origins: { [target()]: { address: `127.0.0.1:${port()}` } },
    policies: { '10-wire.yaml': { mode: 'enforce', intercept: [{ hosts: [name], action: 'inspect' }] } },
  })
  expected = await play(async () => {
    const tls = connectTls({ port: port(), host: '127.0.0.1', servername: name, ca: authority.cert })
    await once(tls, 'secureConnect')
    return over(tls)
  })
})

after(async () => {
  await sallyport[Symbol.asyncDispose]()
  origin.close()
})

test('the script works without a proxy', () => {
  assert.deepEqual(
    expected.flatMap((sight, i) => (sight.failed === undefined ? [] : `${scenes[i]?.name}: ${sight.failed}`)),
    [],
  )
})

test('origin and client see the same through Sallyport as without it', async () => {
  const sights = await play(() => throughProxy(sallyport.proxyPort, { ca: sallyport.ca(), target: target() }))
  const { names, first } = differing(sights)
  assert.deepEqual(names, [], first)
  const rows = await sallyport.rowsWhen(
    'exchanges',
    (all) =>
      all.length >= scenes.flatMap(({ requests }) => requests).length && all.every(({ state }) => state !== 'open'),
  )
  const failed = rows
    .filter(({ error }) => error !== null && !String(error).startsWith('not_inspected'))
    .map(({ path, error }) => `${String(path)} ${String(error)}`)
  assert.deepEqual(failed, [])
})

test('http-mitm-proxy plays the same script', async (t) => {
  const candidate = proxies.find((one) => one.name === 'http-mitm-proxy')
  const hosts = [name]
  const theirs = await candidate?.start({ authority, originPort: port(), bytesPort: 0, hosts })
  if (theirs === undefined || typeof theirs === 'string') return t.skip(theirs ?? 'not there')
  try {
    const { proxyPort, ca } = theirs.route
    const sights = await play(() => throughProxy(proxyPort ?? 0, { ca, target: target() }))
    const { names } = differing(sights)
    t.diagnostic(`${names.length} of ${scenes.length} scenes differ`)
    assert.equal(sights.length, scenes.length)
  } finally {
    await theirs.stop()
  }
})

const port = () => (origin.address() as AddressInfo).port
const target = () => `${name}:${port()}`

/** All scenes, each on a connection of its own, eight at once. */
async function play(dial: Dial): Promise<Sight[]> {
  seen = scenes.map(() => [])
  const sights: Sight[] = []
  const left = [...scenes.entries()]
  const some = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [index, scene] = next
      const told = await within(5_000, perform(dial, index, scene))
      sights[index] = { origin: seen[index] ?? [], ...told }
    }
  }
  await Promise.all(Array.from({ length: 8 }, some))
  return sights
}

async function perform(dial: Dial, index: number, scene: Scene): Promise<{ client: Message[] }> {
  const connection = await dial()
  const client: Message[] = []
  const texts = scene.requests.map((text, i) => text.replace('PATH', `/s${index}/${i}`).replace('HOST', target()))
  try {
    if (scene.pipelined === true) connection.send(texts.join(''))
    for (const text of texts) {
      if (scene.pipelined !== true) connection.send(text)
      client.push(await readAnswer(connection, text.slice(0, text.indexOf(' '))))
    }
    return { client }
  } finally {
    connection.close()
  }
}

async function serve(connection: RawClient): Promise<void> {
  for (;;) {
    const request = await readRequest(connection)
    const [, scene = '', index = ''] = /\/s(\d+)\/(\d+)/.exec(request.head) ?? []
    seen[Number(scene)]?.push(request)
    const pieces = scenes[Number(scene)]?.answers[Number(index)] ?? []
    for (const [i, piece] of pieces.entries()) {
      if (i > 0) await new Promise((resolve) => setTimeout(resolve, 10))
      connection.send(piece)
    }
    if (/connection: close/i.test(pieces.join(''))) return connection.end()
  }
}

async function within(
  ms: number,
  told: Promise<{ client: Message[] }>,
): Promise<{ client: Message[]; failed?: string }> {
  const { promise, resolve } = Promise.withResolvers<{ client: Message[]; failed: string }>()
  const timer = setTimeout(() => resolve({ client: [], failed: 'no answer' }), ms)
  const failed = (cause: unknown) => ({ client: [], failed: String(cause).slice(0, 200) })
  return Promise.race([told.catch(failed), promise]).finally(() => clearTimeout(timer))
}

/** Which scenes differ from the direct way, apart from what an intermediary may do on its own; the first with its difference. */
function differing(sights: readonly Sight[]): { names: string[]; first: string } {
  const names: string[] = []
  let first = ''
  for (const [i, scene] of scenes.entries()) {
    const whole = expected[i] as Sight
    try {
      assert.deepEqual(plain(sights[i] as Sight, whole), plain(whole, whole), scene.name)
    } catch (cause) {
      if (names.length === 0) first = (cause as Error).message
      names.push(scene.name)
    }
  }
  return { names, first }
}

function plain(sight: Sight, direct: Sight): unknown {
  const all = (messages: readonly Message[], others: readonly Message[]) =>
    messages.map(({ head, interim, ...rest }, i) => {
      const reframed = others[i] !== undefined && !hasLength(others[i].head)
      return {
        ...rest,
        interim: interim.map(plainHead),
        head: plainHead(head).filter((line) => !reframed || line !== `Content-Length: ${rest.body.length}`),
      }
    })
  return { ...sight, origin: all(sight.origin, direct.origin), client: all(sight.client, direct.client) }
}

const hasLength = (head: string) => /\r\ncontent-length:/i.test(head)

function plainHead(head: string): string[] {
  return head
    .split('\r\n')
    .filter((line) => !/^(?:connection|keep-alive|transfer-encoding):/i.test(line))
    .map((line) => line.replace(/^([^\s:]+):[ \t]*(.*?)[ \t]*$/, '$1: $2'))
}

/*
 * The differences that are allowed, here and in `http1-message.ts`:
 * - Connection and Keep-Alive are about one hop (RFC 9110, 7.6.1).
 * - White space around a field value is not part of it (RFC 9112, 5.1).
 * - Transfer-Encoding frames a message for one hop; a length that is right may stand in for it, and it for the end of the connection (RFC 9112, 6).
 * - Where a chunk ends, and chunk extensions (RFC 9112, 7.1): a recipient may not rely on them.
 */
