import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http2'
import { existsSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { OriginHandler } from '../support/origin.ts'
import { canMeasure, growth } from '../support/resident.ts'
import { startStage, type Stage } from '../support/stage.ts'

const host = 'api.openai.com'
const budget = 20_000_000
const small: OriginHandler = (_seen, response) => {
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}')
}
let stage: Stage

before(async () => {
  stage = await startStage(small, {
    hosts: [host],
    config: { limits: { bufferedBytes: budget }, audit: { bodies: { capture: false } } },
    policies: {
      '10-test.yaml': {
        rules: [
          {
            name: 'words',
            on: 'both',
            hook: 'keywords',
            options: { name: 'w', words: ['bluebird'] },
            action: 'block',
          },
        ],
      },
    },
  })
})

after(() => stage[Symbol.asyncDispose]())

const spool = (): string => join(stage.sallyport.dir, 'data', 'spool')

/** A chat request of so many bytes. */
function chat(bytes: number, word = 'word'): Buffer {
  const begin = `{"model":"gpt-5.1","messages":[{"role":"user","content":"${word} `
  return Buffer.from(`${begin}${'lorem ipsum '.repeat(bytes / 12).slice(0, bytes - begin.length - 4)}"}]}`)
}

async function post(path: string, body: Uint8Array, headers = '') {
  const client = await stage.connect(host)
  client.send(
    `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n${headers}Content-Length: ${body.length}\r\n\r\n`,
  )
  client.send(body)
  const answer = await client.answer()
  client.close()
  return answer
}

async function metric(name: string): Promise<number> {
  const { body } = await stage.sallyport.get('/metrics')
  const [, value] = new RegExp(`^sallyport_${name} (.*)$`, 'm').exec(body) ?? []
  return Number(value ?? 0)
}

async function until(fits: () => boolean | Promise<boolean>): Promise<void> {
  for (let waited = 0; !(await fits()); waited += 20) {
    if (waited > 60_000) throw new Error('it never came to that')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const seen = (path: string) => stage.origin.seen.filter(({ url }) => url === path)

test(
  'bodies beyond `limits.bufferedBytes` wait on disk, and all of them are inspected and forwarded',
  { skip: !canMeasure },
  async () => {
    await post('/warm', chat(3_000_000))
    const body = chat(3_000_000)
    const bad = chat(3_000_000, 'bluebird')
    let most = 0
    const grown = await growth(stage.sallyport.child.pid as number, async () => {
      const answers = await Promise.all(
        Array.from({ length: 24 }, (_, i) => post(i % 3 === 0 ? '/bad' : '/many', i % 3 === 0 ? bad : body)),
      )
      for (const [i, { status }] of answers.entries()) assert.equal(status, i % 3 === 0 ? 403 : 200)
      most = answers.length * body.length
    })
    assert.ok(seen('/many').length === 16 && seen('/many').every((one) => one.body.equals(body)))
    assert.deepEqual(seen('/bad'), [])
    assert.ok((await metric('bodies_without_room_total\\{outcome="spooled"\\}')) > 0)
    assert.ok(grown < 250, `${grown} MB more, for ${most / 1e6} MB of bodies`)
    await until(async () => (await metric('body_memory_bytes')) === 0)
  },
)

test('a body larger than the whole budget goes alone, unchanged', async () => {
  const body = chat(24_000_000)
  assert.equal((await post('/alone', body)).status, 200)
  assert.ok(seen('/alone')[0]?.body.equals(body))
})

test('an answer that finds no room is inspected all the same', async () => {
  const large = JSON.stringify({ choices: [{ message: { content: 'x'.repeat(7_000_000) } }] })
  const bad = JSON.stringify({ choices: [{ message: { content: `bluebird ${'x'.repeat(7_000_000)}` } }] })
  stage.origin.answer((one, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(one.url === '/v1/chat/completions?bad' ? bad : large)
  })
  const [good, blocked, again] = await Promise.all(
    ['?good', '?bad', '?good'].map((query) => post(`/v1/chat/completions${query}`, chat(100))),
  )
  assert.deepEqual([good?.status, blocked?.status, again?.status], [200, 403, 200])
  assert.ok(good?.body === large && again?.body === large)
  stage.origin.answer(small)
})

test('bombs by the dozen take turns', { skip: !canMeasure }, async () => {
  const bomb = gzipSync(Buffer.alloc(200_000_000, ' '))
  const grown = await growth(stage.sallyport.child.pid as number, async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => post('/bomb', bomb, 'Content-Encoding: gzip\r\n')),
    )
    assert.deepEqual(
      answers.map(({ status, body }) => `${status} ${/unreadable_body/.exec(body)?.[0]}`),
      Array.from({ length: 12 }, () => '400 unreadable_body'),
    )
  })
  assert.deepEqual(seen('/bomb'), [])
  assert.ok(grown < 300, `${grown} MB more`)
})

test('streams of one HTTP/2 connection wait for room without holding each other up', async () => {
  const session = await stage.http2(host)
  const body = chat(4_000_000)
  const statuses = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const stream = session.request({ ':method': 'POST', ':path': '/h2', 'content-type': 'application/json' })
      stream.end(body)
      const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders]
      stream.resume()
      return headers[':status']
    }),
  )
  assert.deepEqual(
    statuses,
    Array.from({ length: 10 }, () => 200),
  )
  assert.ok(seen('/h2').length === 10 && seen('/h2').every((one) => one.body.equals(body)))
  session.destroy()
})

test('a client that leaves while its body is on disk takes its place with it', async () => {
  const client = await stage.connect(host)
  client.send(
    `POST /left HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: 30000000\r\n\r\n`,
  )
  client.send(Buffer.alloc(25_000_000, 'a'))
  const descriptors = () => (canMeasure ? openSpools(stage.sallyport.child.pid as number) : 1)
  await until(() => descriptors() === 1)
  client.socket.destroy()
  if (canMeasure) await until(() => descriptors() === 0)
  assert.equal((await post('/after', chat(100))).status, 200)
})

test('a disk that refuses is 503, quickly, and never means uninspected', async () => {
  rmSync(spool(), { recursive: true, force: true })
  writeFileSync(spool(), 'in the way')
  try {
    const answer = await post('/refused', chat(24_000_000))
    assert.deepEqual([answer.status, /overloaded/.exec(answer.body)?.[0]], [503, 'overloaded'])
    assert.deepEqual(seen('/refused'), [])
    assert.equal((await stage.exchange('/refused'))['error'], 'overloaded')
    assert.equal((await post('/small', chat(100))).status, 200)
  } finally {
    rmSync(spool())
  }
})

test('nothing is left on disk, also when the program is killed with a body there', { skip: !canMeasure }, async () => {
  const client = await stage.connect(host)
  client.send(
    `POST /killed HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: 30000000\r\n\r\n`,
  )
  client.send(Buffer.alloc(25_000_000, 'a'))
  await until(() => openSpools(stage.sallyport.child.pid as number) === 1)
  await stage.sallyport.kill()
  assert.deepEqual(existsSync(spool()) ? readdirSync(spool()) : [], [])
})

/** How many files of the spool a process has open, their names gone. */
function openSpools(pid: number): number {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`)
    } catch {
      return ''
    }
  })
  return links.filter((link) => link.startsWith(spool()) && link.endsWith(' (deleted)')).length
}
