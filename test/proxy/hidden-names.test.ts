import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { startParent } from '../support/parents.ts'
import {
  helloOf,
  listeningOrigin,
  redirectedDoor,
  withEch,
  type ListeningOrigin,
  type RedirectedDoor,
} from '../support/redirected.ts'

const its = '127.0.0.1'
const foreign = '203.0.113.9'
const policy = { intercept: [{ hosts: ['inspected.test'], action: 'inspect' }] }
const accessDenied = '15030300020231'
let listening: ListeningOrigin
let door: RedirectedDoor

before(async () => {
  listening = await listeningOrigin()
  door = await redirectedDoor({ policy, origins: { 'raw.test:443': listening, 'inspected.test:443': listening } })
})

beforeEach(() => door.policy(policy))

after(async () => {
  await door.close()
  listening.close()
})

/** All that comes back, in hex, when the client says this and ends its side. */
async function answerTo(bytes: Buffer): Promise<string> {
  const client = await door.raw()
  client.send(bytes)
  client.end()
  return Buffer.from(await client.rest(), 'latin1').toString('hex')
}

const ech: [what: string, to: Parameters<RedirectedDoor['dialled']>[0], hiddenName: string, relayed: boolean][] = [
  ['the address is one of the name that it shows', { address: its, port: 443 }, 'deny', true],
  ['the address is not one of the name that it shows', { address: foreign, port: 443 }, 'deny', false],
  ['nobody knows the address', undefined, 'deny', false],
  ['policy does not mind', { address: foreign, port: 443 }, 'tunnel', true],
]

for (const [what, to, hiddenName, relayed] of ech) {
  test(`a hello that may hide another name is ${relayed ? 'relayed' : 'refused'} when ${what}`, async () => {
    await door.policy({ ...policy, hiddenName })
    door.dialled(to)
    const hello = withEch(await helloOf({ servername: 'raw.test' }))
    const row = await door.rowAfter('connections', async () => {
      assert.equal(await answerTo(hello), relayed ? Buffer.from('heard').toString('hex') : accessDenied)
    })
    assert.deepEqual([row['sni'], row['handling']], ['raw.test', relayed ? 'tunnel' : 'deny'])
    if (relayed) assert.ok(listening.heard().equals(hello))
    else assert.match(String(row['reason']), /another name, encrypted/)
  })
}

test('a hello that may hide another name is intercepted for the name that it shows', async () => {
  door.dialled({ address: foreign, port: 443 })
  const row = await door.rowAfter('connections', async () => {
    const client = await door.raw()
    client.send(withEch(await helloOf({ servername: 'inspected.test' })))
    // A handshake record with a ServerHello.
    assert.match(await client.until(6), /^\x16\x03\x03..\x02$/s)
    client.close()
  })
  assert.equal(row['sni'], 'inspected.test')
})

test('behind a parent proxy this machine looks the name up to know whether it may be hiding another', async () => {
  const parent = await startParent('http')
  parent.routes.set('raw.test:443', listening.address)
  const config = { upstream: { proxy: parent.url } }
  for (const [found, relays] of [
    [[its], true],
    [[foreign], false],
    [[], false],
  ] as const) {
    const chained = await redirectedDoor({ config, found, policy })
    chained.dialled({ address: its, port: 443 })
    const client = await chained.raw()
    client.send(withEch(await helloOf({ servername: 'raw.test' })))
    client.end()
    const rest = await client.rest()
    assert.equal(rest, relays ? 'heard' : Buffer.from(accessDenied, 'hex').toString('latin1'))
    await chained.close()
  }
  assert.deepEqual(parent.asked, ['raw.test:443'])
  parent.close()
})
