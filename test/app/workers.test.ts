import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { processesOf } from '../support/program-processes.ts'
import { startStage, type Stage } from '../support/stage.ts'

const host = 'api.openai.com'
let stage: Stage

before(async () => {
  stage = await startStage(
    async (seen, response) => {
      if (seen.url === '/held') {
        response.writeHead(200, { 'content-type': 'text/plain' })
        response.write('begun ')
        return
      }
      response.end('ok')
    },
    { hosts: [host], config: { workers: 2 } },
  )
})

after(() => stage[Symbol.asyncDispose]())

const get = async (path: string) => {
  const client = await stage.connect(host)
  client.send(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  const answer = await client.answer()
  client.close()
  return answer
}

type Ready = { status: string; reasons: string[]; policy: string }
const ready = async () => JSON.parse((await stage.sallyport.get('/readyz')).body) as Ready
const until = async (condition: () => Promise<boolean> | boolean): Promise<void> => {
  for (let waited = 0; !(await condition()); waited += 20) {
    assert.ok(waited < 60_000, 'it never came to that')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

test('workers share the door and the ledger: every exchange has its row, and the metrics are those of all', async () => {
  await Promise.all(Array.from({ length: 40 }, (_, i) => get(`/shared${i}`)))
  const fits = (row: Record<string, unknown>) => String(row['path']).startsWith('/shared') && row['state'] === 'done'
  const rows = await stage.sallyport.rowsWhen('exchanges', (some) => some.filter(fits).length === 40)
  assert.equal(new Set(rows.map((row) => row['id'])).size, rows.length)
  const { body } = await stage.sallyport.get('/metrics')
  const counted = [...body.matchAll(/^sallyport_exchanges_total\{.*\} (\d+)$/gm)].reduce(
    (sum, [, n]) => sum + Number(n),
    0,
  )
  assert.equal(counted, 40)
})

test('a new policy reaches every worker', async () => {
  const before = (await ready()).policy
  writeFileSync(join(stage.sallyport.dir, 'policies', '20-observe.yaml'), 'mode: observe\n')
  await until(async () => (await ready()).policy !== before)
  const { policy } = await ready()
  await until(async () => {
    await Promise.all(Array.from({ length: 6 }, (_, i) => get(`/policy${i}`)))
    const rows = stage.sallyport.rows('exchanges').filter((row) => String(row['path']).startsWith('/policy'))
    return rows.slice(-6).every((row) => row['policy'] === policy)
  })
})

test(
  'a worker killed with -9 is replaced, its open rows become lost, and the others go on',
  { skip: process.platform !== 'linux' },
  async () => {
    const workers = () => processesOf(stage.sallyport.child.pid as number).workers
    const before = workers()
    assert.equal(before.length, 2)
    const held = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const client = await stage.connect(host)
        client.send(`GET /held HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
        await client.until('begun')
        return client
      }),
    )
    process.kill(before[0] as number, 'SIGKILL')
    await until(() => {
      const now = workers()
      return now.length === 2 && !now.includes(before[0] as number)
    })
    assert.ok(workers().includes(before[1] as number))
    await until(async () => (await ready()).status === 'ready')
    for (let i = 0; i < 6; i += 1) assert.equal((await get(`/after${i}`)).body, 'ok')
    assert.match(stage.sallyport.log(), /a worker died and is replaced/)
    const fits = (row: Record<string, unknown>) => row['path'] === '/held'
    const isLost = (row: Record<string, unknown>) => fits(row) && row['state'] === 'lost'
    const rows = (await stage.sallyport.rowsWhen('exchanges', (some) => some.some(isLost))).filter(fits)
    // Those of the worker that lives are still open.
    const ended = held.filter((client) => client.socket.destroyed || client.socket.readableEnded)
    assert.equal(rows.filter(isLost).length, ended.length)
    for (const client of held) client.close()
  },
)

test('each act is one event, however many workers there are', async () => {
  writeFileSync(join(stage.sallyport.dir, 'policies', '30-broken.yaml'), 'mode: perhaps\n')
  const kinds = () => stage.sallyport.rows('events').map((row) => String(row['what']))
  await until(() => kinds().includes('policy.refused'))
  appendFileSync(stage.sallyport.file, 'markers: nonsense\n')
  stage.sallyport.child.kill('SIGHUP')
  await until(() => kinds().includes('config.refused'))
  writeFileSync(
    stage.sallyport.file,
    readFileSync(stage.sallyport.file, 'utf8').replace('markers: nonsense\n', 'limits: { connections: 500 }\n'),
  )
  stage.sallyport.child.kill('SIGHUP')
  await until(() => kinds().includes('config.reload'))
  assert.equal(await stage.sallyport.stop(), 0)
  const counts = new Map<string, number>()
  for (const kind of kinds()) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  const expected: Record<string, number> = {
    'ca.init': 1,
    'console.token': 1,
    'program.start': 1,
    'policy.reload': 1,
    'policy.refused': 1,
  }
  Object.assign(expected, { 'config.refused': 1, 'config.reload': 1, 'program.stop': 1 })
  // Where processes can be killed by name, one was.
  if (process.platform === 'linux') Object.assign(expected, { 'worker.died': 1, 'program.unclean': 1 })
  for (const [kind, count] of Object.entries(expected)) assert.equal(counts.get(kind), count, kind)
})
