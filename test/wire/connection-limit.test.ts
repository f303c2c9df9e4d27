import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { rawClient, type RawClient } from '../support/raw-client.ts'
import { startSallyport, type Sallyport } from '../support/sallyport.ts'

const limit = 10
let sallyport: Sallyport

before(async () => {
  sallyport = await startSallyport({ config: { workers: 2, limits: { connections: limit } } })
})

after(() => sallyport[Symbol.asyncDispose]())

const kept: RawClient[] = []

/** The status of a request on a connection of its own, which stays. */
async function asked(): Promise<number> {
  const client = await rawClient(sallyport.proxyPort)
  client.send('GET /ca.pem HTTP/1.1\r\nHost: proxy\r\n\r\n')
  const { status } = await client.answer()
  if (status === 200) kept.push(client)
  else client.close()
  return status
}

async function askedWhen(status: number): Promise<void> {
  for (let turn = 0; turn < 100; turn += 1) {
    if ((await asked()) === status) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.fail(`no connection was answered with ${status}`)
}

test('several workers have the limit together, however their connections are spread', async () => {
  for (let i = 0; i < limit; i += 1) await askedWhen(200)
  await askedWhen(503)
  // Connections go to the workers by turns: these are all of one of them.
  for (const [i, client] of kept.splice(0).entries()) {
    if (i % 2 === 0) kept.push(client)
    else client.close()
  }
  while (kept.length < limit) await askedWhen(200)
  await askedWhen(503)
  assert.equal(kept.length, limit)
})

test('at the limit hundreds at once are refused at once, and those that were admitted go on', async () => {
  const statuses = await Promise.all(Array.from({ length: 500 }, () => asked()))
  assert.deepEqual([...new Set(statuses)], [503])
  for (const client of kept) {
    client.send('GET /ca.pem HTTP/1.1\r\nHost: proxy\r\n\r\n')
    assert.equal((await client.answer()).status, 200)
  }
  for (const client of kept) client.close()
})

test('of two thousand clients at once as many as the limit has room for are served, and the others are told', async () => {
  const room = 500
  await using crowded = await startSallyport({ config: { workers: 1, limits: { connections: room } } })
  const clients = await Promise.all(Array.from({ length: 2_000 }, () => rawClient(crowded.proxyPort)))
  const statuses = await Promise.all(
    clients.map(async (client) => {
      client.send('GET /ca.pem HTTP/1.1\r\nHost: proxy\r\n\r\n')
      return { client, status: (await client.answer()).status }
    }),
  )
  const served = statuses.filter(({ status }) => status === 200)
  assert.deepEqual([served.length, statuses.filter(({ status }) => status === 503).length], [room, 1_500])
  for (const { client } of served) {
    client.send('GET /ca.pem HTTP/1.1\r\nHost: proxy\r\n\r\n')
    assert.equal((await client.answer()).status, 200)
  }
  for (const client of clients) client.close()
})
