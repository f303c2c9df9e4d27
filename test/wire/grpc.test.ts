import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { Metadata, status, type ServiceError } from '@grpc/grpc-js'
import { testAuthority } from '../support/authority.ts'
import { grpcClient, startGrpcServer, type GrpcClient, type GrpcServer } from '../support/grpc.ts'
import { startSallyport, type Sallyport } from '../support/sallyport.ts'

// The same service under two names: policy has one inspected, the other tunnelled.
const authority = testAuthority()
const hosts = ['inspected.test', 'tunnelled.test']
let server: GrpcServer
let sallyport: Sallyport
const clients = new Map<string, GrpcClient>()

before(async () => {
  server = await startGrpcServer(authority, hosts)
  sallyport = await startSallyport({
    authority,
    origins: Object.fromEntries(hosts.map((host) => [`${host}:443`, server])),
    policies: {
      'a.yaml': {
        intercept: [
          { hosts: ['inspected.test'], action: 'inspect' },
          { hosts: ['*'], action: 'tunnel' },
        ],
      },
    },
  })
  process.env['grpc_proxy'] = `http://127.0.0.1:${sallyport.proxyPort}`
  clients.set('inspected.test', grpcClient('inspected.test:443', sallyport.ca()))
  clients.set('tunnelled.test', grpcClient('tunnelled.test:443', authority.cert))
})

after(async () => {
  for (const client of clients.values()) client.close()
  await sallyport[Symbol.asyncDispose]()
  server.close()
})

for (const host of hosts) {
  const client = (): GrpcClient => clients.get(host) as GrpcClient

  test(`a call and its answer pass with metadata, text and binary, to ${host}`, async () => {
    const metadata = new Metadata()
    metadata.set('x-text', 'a b')
    metadata.add('x-many', '1')
    metadata.add('x-many', '2')
    metadata.set('x-raw-bin', Buffer.from([0, 1, 254, 255]))
    const got = await client().echo(Buffer.from('hello'), metadata)
    assert.deepEqual([got.message?.toString(), got.code], ['hello', status.OK])
    assert.deepEqual(got.initial.get('x-text'), ['a b'])
    assert.deepEqual(got.initial.get('x-raw-bin'), [Buffer.from([0, 1, 254, 255])])
    assert.deepEqual(got.trailing.get('x-trailer'), ['after'])
    assert.deepEqual(got.trailing.get('x-trailer-bin'), [Buffer.from([0, 255, 10])])
  })

  test(`every status of ${host} reaches the client with its message and trailers`, async () => {
    for (const code of [status.INVALID_ARGUMENT, status.RESOURCE_EXHAUSTED, status.UNAUTHENTICATED, status.DATA_LOSS]) {
      const metadata = new Metadata()
      metadata.set('x-fail', String(code))
      const { error, message } = await client().echo(Buffer.from('hello'), metadata)
      assert.deepEqual([error?.code, error?.details, message], [code, 'failed: naïve, 100 %', undefined])
      assert.deepEqual(error?.metadata.get('x-trailer'), ['after'])
    }
  })

  test(`a stream of messages to ${host} is answered when it has ended`, async () => {
    const answer = Promise.withResolvers<Buffer | undefined>()
    const call = client().join((error, message) => (error === null ? answer.resolve(message) : answer.reject(error)))
    for (let i = 0; i < 50; i += 1) call.write(Buffer.from(`${i},`))
    call.end()
    assert.equal((await answer.promise)?.toString(), Array.from({ length: 50 }, (_, i) => `${i},`).join(''))
  })

  test(`a stream of messages from ${host} arrives in order and ends`, async () => {
    const got: string[] = []
    for await (const message of client().count(200)) got.push(String(message))
    assert.deepEqual(
      got,
      Array.from({ length: 200 }, (_, i) => String(i)),
    )
  })

  test(`each message to ${host} is answered before the next is sent, and the client may stop first`, async () => {
    const call = client().chat()
    for (let i = 0; i < 20; i += 1) {
      call.write(Buffer.from(`turn ${i}`))
      const [answer] = (await once(call, 'data')) as [Buffer]
      assert.equal(answer.toString(), `TURN ${i}`)
    }
    const last = once(call, 'data') as Promise<[Buffer]>
    const ended = once(call, 'status') as Promise<[{ code: status }]>
    call.end()
    assert.equal((await last)[0].toString(), 'bye')
    call.resume()
    assert.equal((await ended)[0].code, status.OK)
  })

  test(`a call that the client gives up is given up at ${host}`, async () => {
    const before = server.cancelled.length
    const call = client().hang()
    call.on('data', () => undefined)
    const failed = once(call, 'error') as Promise<[ServiceError]>
    await once(call, 'metadata')
    call.cancel()
    assert.equal((await failed)[0].code, status.CANCELLED)
    await server.cancellations(before + 1)
  })

  test(`a deadline that passes ends the call at ${host} too`, async () => {
    const before = server.cancelled.length
    const call = client().hang(new Date(Date.now() + 300))
    call.on('data', () => undefined)
    const [error] = (await once(call, 'error')) as [ServiceError]
    assert.equal(error.code, status.DEADLINE_EXCEEDED)
    await server.cancellations(before + 1)
  })

  test(`a stream that ${host} gives up ends so at the client, after what had come`, async () => {
    const got: string[] = []
    const call = client().leave()
    call.on('data', (message: Buffer) => got.push(message.toString()))
    const [error] = (await once(call, 'error')) as [ServiceError]
    assert.deepEqual([got, error.code, error.details], [['one'], status.CANCELLED, 'the server has had enough'])
  })

  test(`a message of 20 MB to ${host} comes back`, async () => {
    const message = Buffer.alloc(20_000_000, 'sallyport')
    const got = await client().echo(message)
    assert.equal(got.message?.equals(message), true)
  })

  test(`a hundred calls to ${host} at once are each answered`, async () => {
    const calls = Array.from({ length: 100 }, (_, i) => client().echo(Buffer.from(`call ${i}`)))
    const answers = await Promise.all(calls)
    assert.deepEqual(
      answers.map(({ message }) => message?.toString()),
      Array.from({ length: 100 }, (_, i) => `call ${i}`),
    )
  })
}

test('calls that are inspected are recorded as not read, and tunnelled ones have no rows', async () => {
  const rows = await sallyport.rowsWhen('exchanges', (some) => some.every((row) => row['state'] !== 'open'))
  const joined = rows.find((row) => row['path'] === '/test.Probe/Join')
  assert.deepEqual(
    [
      joined?.['host'],
      joined?.['state'],
      joined?.['error'],
      joined?.['http_version'],
      joined?.['upstream_http_version'],
    ],
    ['inspected.test', 'done', 'not_inspected: application/grpc', '2', '2'],
  )
  assert.deepEqual(new Set(rows.map((row) => row['host'])), new Set(['inspected.test']))
  const hung = rows.filter((row) => row['path'] === '/test.Probe/Hang')
  assert.deepEqual(
    hung.map((row) => [row['state'], row['error']]),
    hung.map(() => ['aborted', 'client_aborted; not_inspected: application/grpc']),
  )
})
