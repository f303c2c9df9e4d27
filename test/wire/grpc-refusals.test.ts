import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { status, type ServiceError } from '@grpc/grpc-js'
import { testAuthority } from '../support/authority.ts'
import { grpcClient, startGrpcServer, type GrpcClient, type GrpcServer } from '../support/grpc.ts'
import { freePorts } from '../support/free-ports.ts'
import { startSallyport, type Sallyport } from '../support/sallyport.ts'
import { tlsThrough } from '../support/stage.ts'
import { over } from '../support/raw-client.ts'

const authority = testAuthority()
const hosts = ['blocked.test', 'closed.test']
let server: GrpcServer
let sallyport: Sallyport
const clients = new Map<string, GrpcClient>()

before(async () => {
  const [free] = (await freePorts(1)) as [number]
  server = await startGrpcServer(authority, hosts)
  sallyport = await startSallyport({
    authority,
    origins: {
      'blocked.test:443': server,
      'closed.test:443': { address: `127.0.0.1:${free}` },
    },
    policies: {
      'a.yaml': {
        intercept: [{ hosts: ['*.test'], action: 'inspect' }],
        rules: [
          {
            name: 'closed to all',
            on: 'request',
            when: { host: ['blocked.test'] },
            hook: 'ip-access',
            options: { deny: ['127.0.0.0/8'] },
            action: 'block',
          },
        ],
      },
    },
  })
  process.env['grpc_proxy'] = `http://127.0.0.1:${sallyport.proxyPort}`
  for (const host of hosts) clients.set(host, grpcClient(`${host}:443`, sallyport.ca()))
})

after(async () => {
  for (const client of clients.values()) client.close()
  await sallyport[Symbol.asyncDispose]()
  server.close()
})

const calls: [host: string, code: status, details: RegExp, mark: [name: string, value: string], row: unknown[]][] = [
  [
    'blocked.test',
    status.PERMISSION_DENIED,
    /^blocked by the policy rule "closed to all" \(exchange /,
    ['sallyport-decision', 'block'],
    ['block', 'sallyport_blocked', 403],
  ],
  [
    'closed.test',
    status.UNAVAILABLE,
    /\(exchange /,
    ['sallyport-error', 'upstream_unreachable'],
    ['error', 'upstream_unreachable', 502],
  ],
]

for (const [host, code, details, [name, value], told] of calls) {
  test(`a call to ${host} gets status ${code} of gRPC, and its row our own`, async () => {
    const got = await (clients.get(host) as GrpcClient).echo(Buffer.from('hello'))
    assert.deepEqual([got.code, got.message], [code, undefined])
    assert.match(String(got.error?.details), details)
    assert.deepEqual(got.trailing.get(name), [value])
    const [id] = got.trailing.get('sallyport-exchange')
    const rows = await sallyport.rowsWhen('exchanges', (some) =>
      some.some((row) => row['id'] === id && row['state'] !== 'open'),
    )
    const row = rows.find((some) => some['id'] === id)
    assert.deepEqual([row?.['decision'], String(row?.['error']).split('; ')[0], row?.['status']], told)
  })
}

test('a stream of messages is refused like a single one', async () => {
  const call = (clients.get('blocked.test') as GrpcClient).chat()
  call.write(Buffer.from('hello'))
  call.on('data', () => assert.fail('nothing comes'))
  const [error] = (await once(call, 'error')) as [ServiceError]
  assert.equal(error.code, status.PERMISSION_DENIED)
})

test('over HTTP/1.1 it is said in the head, too', async () => {
  const client = over(await tlsThrough(sallyport.proxyPort, 'blocked.test:443', sallyport.ca(), ['http/1.1']))
  client.send(
    'POST /a.B/C HTTP/1.1\r\nHost: blocked.test\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n\r\n',
  )
  const answer = await client.answer()
  assert.deepEqual([answer.status, answer.header('grpc-status'), answer.body], [200, '7', ''])
  client.close()
})
