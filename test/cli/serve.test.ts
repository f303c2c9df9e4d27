import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { installSallyport, runSallyport, serve } from '../support/sallyport.ts'
import { startStage } from '../support/stage.ts'

const host = 'api.openai.com'

test('SIGTERM closes idle connections at once, lets what is in flight finish, and exits with 0', async () => {
  let finish = (): void => {}
  const finished = new Promise<void>((resolve) => (finish = resolve))
  await using stage = await startStage(
    async (seen, response) => {
      if (seen.url === '/slow') {
        response.setHeader('content-type', 'text/plain')
        response.write('begun ')
        await finished
      }
      response.end('done')
    },
    { hosts: [host], origin: { alpn: ['http/1.1'] } },
  )
  const idle = await stage.connect(host)
  idle.send(`GET /idle HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  await idle.answer()
  const silent = await stage.raw()
  const tunnelIdle = await stage.connect(host)
  const session = await stage.http2(host)
  const slow = await stage.connect(host)
  slow.send(`GET /slow HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  await slow.until('begun ')
  const exited = stage.sallyport.stop()
  await Promise.all([idle.rest(), silent.rest(), tunnelIdle.rest(), once(session, 'close')])
  await assert.rejects(stage.raw(), /ECONNREFUSED/)
  finish()
  assert.match(await slow.until('0\r\n\r\n'), /done/)
  assert.equal(await exited, 0)
  const rows = stage.sallyport.rows('exchanges').map((row) => [row['path'], row['state']])
  assert.deepEqual(rows, [
    ['/idle', 'done'],
    ['/slow', 'done'],
  ])
})

test('the first start makes CA, data folder and a default policy, and says what to do next', async () => {
  const installation = await installSallyport()
  await using sallyport = await serve(installation)
  const said = sallyport.log()
  for (const words of ['sallyport exec', 'export HTTPS_PROXY=', 'ca.pem', '/readyz'])
    assert.ok(said.includes(words), words)
  for (const file of ['certs/ca.pem', 'certs/bundle.pem', 'data/sallyport.db', 'policies/10-default.yaml'])
    assert.ok(existsSync(join(installation.dir, file)), file)
  assert.deepEqual([(await sallyport.get('/healthz')).status, (await sallyport.get('/readyz')).status], [200, 200])
})

test('SIGHUP reloads configuration and policies; what is broken stays out and is told', async () => {
  const installation = await installSallyport({ policies: { '10-a.yaml': 'mode: enforce\n' } })
  await using sallyport = await serve(installation)
  const ready = async () => JSON.parse((await sallyport.get('/readyz')).body) as { policy: string; warnings: string[] }
  const before = await ready()
  writeFileSync(join(installation.dir, 'policies', '20-b.yaml'), 'mode: observe\n')
  sallyport.child.kill('SIGHUP')
  await until(async () => (await ready()).policy !== before.policy)
  const observing = await ready()
  writeFileSync(join(installation.dir, 'policies', '20-b.yaml'), 'mod: observe\n')
  sallyport.child.kill('SIGHUP')
  await until(async () => (await ready()).warnings.length > 0)
  const broken = await ready()
  assert.equal(broken.policy, observing.policy)
  assert.match(broken.warnings.join(), /20-b\.yaml.*1:1|mod/)
  const text = readFileSync(installation.file, 'utf8')
  writeFileSync(installation.file, `${text}nonsense: 1\n`)
  sallyport.child.kill('SIGHUP')
  await until(async () => /configuration not reloaded/.test(sallyport.log()))
  writeFileSync(installation.file, text.replace('level: info', 'level: debug').replace('workers: 1', 'workers: 2'))
  sallyport.child.kill('SIGHUP')
  await until(async () => /in force only after a restart/.test(sallyport.log()))
  assert.match(sallyport.log(), /"keys":\["workers"\]/)
})

const failures: [what: string, spoil: (dir: string, port: number) => Promise<() => void>, error: RegExp][] = [
  [
    'a taken proxy port',
    async (_dir, port) => {
      const other = createServer().listen(port, '127.0.0.1')
      await once(other, 'listening')
      return () => other.close()
    },
    /^error: 127\.0\.0\.1:\d+ is in use\nhint: /m,
  ],
  [
    'an unreadable CA key',
    async (dir) => {
      mkdirSync(join(dir, 'certs'))
      writeFileSync(join(dir, 'certs', 'ca.key'), 'not a key')
      writeFileSync(join(dir, 'certs', 'ca.pem'), 'not a certificate')
      return () => {}
    },
    /^error: .*\nhint: /m,
  ],
  [
    'a data folder that is a file',
    async (dir) => {
      writeFileSync(join(dir, 'data'), '')
      return () => {}
    },
    /^error: .*data.*\nhint: /m,
  ],
  [
    'a database that is none',
    async (dir) => {
      mkdirSync(join(dir, 'data'))
      writeFileSync(join(dir, 'data', 'sallyport.db'), 'nonsense '.repeat(1_000))
      return () => {}
    },
    /^error: .*\nhint: /m,
  ],
  [
    'a broken policy',
    async (dir) => {
      mkdirSync(join(dir, 'policies'))
      writeFileSync(join(dir, 'policies', 'a.yaml'), 'mod: observe\n')
      return () => {}
    },
    /a\.yaml/,
  ],
]

for (const [what, spoil, error] of failures) {
  for (const workers of what.includes('port') ? [1, 2] : [1]) {
    test(`${what} ends the start with an error and 1, with ${workers} worker${workers === 1 ? '' : 's'}`, async () => {
      const installation = await installSallyport({ config: { workers } })
      const mend = await spoil(installation.dir, installation.proxyPort)
      const ran = await installation.run(['serve'], { timeoutMs: 20_000 })
      mend()
      assert.equal(ran.status, 1, ran.stderr)
      assert.match(ran.stderr, error)
      assert.doesNotMatch(ran.stderr, /^\s+at /m)
    })
  }
}

test('a taken console port ends the start, with the proxy closed again', async () => {
  const installation = await installSallyport()
  const other = createServer().listen(installation.consolePort, '127.0.0.1')
  await once(other, 'listening')
  const ran = await installation.run(['serve'], { timeoutMs: 20_000 })
  other.close()
  assert.equal(ran.status, 1)
  assert.match(ran.stderr, /is in use/)
})

test(
  'a data folder that may not be written ends the start with an error',
  { skip: process.getuid?.() === 0 },
  async () => {
    const installation = await installSallyport()
    chmodSync(installation.dir, 0o500)
    const ran = await installation.run(['serve'], { timeoutMs: 20_000 })
    chmodSync(installation.dir, 0o700)
    assert.equal(ran.status, 1)
    assert.match(ran.stderr, /^error: .*\nhint: /m)
  },
)

test('kill -9 of the wrapper ends the program, workers and all', async () => {
  const installation = await installSallyport({ config: { workers: 2 } })
  const sallyport = await serve(installation)
  assert.equal((await sallyport.get('/readyz')).status, 200)
  await sallyport.kill()
  await until(async () => (await sallyport.get('/healthz').catch(() => undefined)) === undefined)
  await until(async () => {
    const server = createServer().listen(installation.proxyPort, '127.0.0.1')
    const bound = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    server.close()
    return bound
  })
})

test('serve --help has an example, and an unknown flag is wrong usage', async () => {
  const { dir } = await installSallyport()
  const help = await runSallyport(['serve', '--help'], dir)
  assert.deepEqual([help.status, /sallyport serve -c/.test(help.stdout)], [0, true])
  assert.equal((await runSallyport(['serve', '--nope'], dir)).status, 2)
})

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let waited = 0; !(await condition()); waited += 20) {
    if (waited > 60_000) throw new Error('it never came to that')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
