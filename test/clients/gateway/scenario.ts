import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { testAuthority } from '../../support/authority.ts'
import { installSallyport, serve, type Installation, type Sallyport } from '../../support/sallyport.ts'
import { tempFolder } from '../../support/temp.ts'
import { at, names, program, startNetwork, type Network } from './network.ts'

// A gateway between a laptop and the internet, as docs/transparent.md tells: this process is the gateway, and the programs on the laptop
// know nothing of a proxy. Runs in namespaces of its own, as root.

type Row = Readonly<Record<string, unknown>>
type Stage = {
  readonly network: Network
  readonly installation: Installation
  sallyport: Sallyport
  readonly origins: string
}
type Answer = {
  readonly at: string
  readonly port: number
  readonly from: string
  readonly host: string
  readonly url: string
}

const steps: readonly (readonly [name: string, run: (stage: Stage) => Promise<void>])[] = [
  ['programs that know nothing of a proxy are inspected, over IPv4 and IPv6', inspected],
  ['what is not inspected is relayed with the certificate of the origin', relayed],
  ['plain HTTP goes by Host', plain],
  ['the port is the one that was dialled', ports],
  ['who lies about the name reaches what is named, and the row tells', lies],
  ['what names no host is refused, or goes where it was going, as policy says', unnamed],
  ['QUIC is refused as a closed port is', quic],
  ['who comes straight to the listener is served by name', direct],
  ['where the kernel cannot be asked, its table tells', table],
  ['a rule that catches its own connections ends in refusals, not in a loop', loop],
]

async function inspected(stage: Stage): Promise<void> {
  for (const family of ['-4', '-6'] as const) {
    const { answer, row } = await curl(stage, 'ours', [family, `https://${names.inspected}/by${family}`], 'exchanges')
    const [server, client] = family === '-4' ? [at.openai.ipv4, at.laptop.ipv4] : [at.openai.ipv6, at.laptop.ipv6]
    assert.deepEqual([answer.url, answer.port], [`/by${family}`, 443])
    assert.ok(
      [at.openai.ipv4, at.openai.ipv6].some((one) => one === answer.at),
      `${answer.at} is not ${server}`,
    )
    assert.deepEqual(
      [row['client_ip'], row['host'], row['port'], row['decision']],
      [client, names.inspected, 443, 'allow'],
    )
  }
  const script = `fetch('https://${names.inspected}/fetched').then((r) => r.text()).then(console.log)`
  const before = stage.sallyport.rows('exchanges').length
  const { stdout, stderr } = await stage.network.laptop.run([process.execPath, '-e', script], {
    NODE_EXTRA_CA_CERTS: ours(stage),
  })
  assert.equal((JSON.parse(stdout || stderr) as Answer).url, '/fetched')
  await stage.sallyport.rowsWhen('exchanges', (rows) => rows.length > before)
}

async function relayed(stage: Stage): Promise<void> {
  for (const family of ['-4', '-6'] as const) {
    const { answer, row } = await curl(stage, 'origins', [family, `https://${names.other}/`], 'connections', isOther)
    assert.equal(answer.host, names.other)
    assert.deepEqual([row['host'], row['sni'], row['handling']], [names.other, names.other, 'tunnel'])
    assert.doesNotMatch(String(row['reason']), /dialled as/)
  }
}

async function plain(stage: Stage): Promise<void> {
  const first = await curl(stage, 'origins', [`http://${names.inspected}/plain`], 'exchanges')
  assert.deepEqual([first.answer.port, first.row['host'], first.row['port']], [80, names.inspected, 80])
  const second = await curl(stage, 'origins', [`http://${names.other}/plain`], 'connections', isOther)
  assert.deepEqual([second.answer.port, second.row['host'], second.row['handling']], [80, names.other, 'tunnel'])
}

async function ports(stage: Stage): Promise<void> {
  const secure = await curl(stage, 'ours', [`https://${names.inspected}:8443/`], 'exchanges')
  assert.deepEqual([secure.answer.port, secure.row['port']], [8443, 8443])
  const clear = await curl(stage, 'ours', [`http://${names.inspected}:8080/`], 'exchanges')
  assert.deepEqual([clear.answer.port, clear.row['port']], [8080, 8080])
}

async function lies(stage: Stage): Promise<void> {
  const { inspected: name } = names
  const { answer, row } = await curl(
    stage,
    'ours',
    ['--resolve', `${name}:443:${at.other.ipv4}`, `https://${name}/`],
    'connections',
    (one) => /dialled as/.test(String(one['reason'])),
  )
  assert.ok(answer.at === at.openai.ipv4 || answer.at === at.openai.ipv6, answer.at)
  assert.match(String(row['reason']), new RegExp(`dialled as ${at.other.ipv4}, which is not an address of ${name}`))
}

async function unnamed(stage: Stage): Promise<void> {
  const raw = `const s = require('net').connect(443, '${at.raw}', () => s.write('SSH-2.0-x\\r\\n')); s.on('data', (d) => console.log(String(d))).on('error', (e) => console.log(e.code)).on('close', () => console.log('closed'))`
  const ask = () => stage.network.laptop.run([process.execPath, '-e', raw])
  assert.doesNotMatch((await ask()).stdout, /raw/)
  const direct = ['curl', '-sS', '-k', '--max-time', '10', `https://${at.other.ipv4}/`]
  assert.notEqual((await stage.network.laptop.run(direct)).status, 0)
  await policy(stage, { unnamed: 'tunnel' })
  assert.match((await ask()).stdout, /raw 11/)
  assert.equal((JSON.parse((await stage.network.laptop.run(direct)).stdout) as Answer).at, at.other.ipv4)
  await policy(stage, {})
}

async function quic(stage: Stage): Promise<void> {
  const script = `const s = require('dgram').createSocket('udp4'); s.on('error', (e) => { console.log(e.code); process.exit() }); s.connect(443, '${at.openai.ipv4}', () => setInterval(() => s.send('hello', () => {}), 50))`
  const { stdout } = await stage.network.laptop.run(['timeout', '20', process.execPath, '-e', script])
  assert.match(stdout, /ECONNREFUSED/)
}

async function direct(stage: Stage): Promise<void> {
  const { inspected: name } = names
  const { answer } = await curl(
    stage,
    'ours',
    ['--connect-to', `${name}:443:${at.gateway}:${port}`, `https://${name}/straight`],
    'exchanges',
  )
  assert.deepEqual([answer.url, answer.port], ['/straight', 443])
}

async function table(stage: Stage): Promise<void> {
  await stage.sallyport.stop()
  stage.sallyport = await serve(stage.installation, { NODE_OPTIONS: '--no-experimental-ffi' })
  await ports(stage)
  await stage.sallyport.stop()
  stage.sallyport = await serve(stage.installation)
}

async function loop(stage: Stage): Promise<void> {
  stage.network.rules(
    `${rules}table inet mistake {\n  chain output {\n    type nat hook output priority -100\n    tcp dport 443 redirect to :${port}\n  }\n}\n`,
  )
  const before = stage.sallyport.rows('connections').length
  const said = await stage.network.laptop.run([
    'curl',
    '-sS',
    '--max-time',
    '20',
    '--cacert',
    stage.origins,
    `https://${names.other}/`,
  ])
  assert.notEqual(said.status, 0)
  const rows = await stage.sallyport.rowsWhen('connections', (some) =>
    some.slice(before).some((row) => row['error'] === 'loop_detected'),
  )
  assert.ok(rows.length - before < 40, `${rows.length - before} connections`)
  stage.network.rules(rules)
  await relayed(stage)
}

/** What curl on the laptop was answered, trusting one authority only, and the row that this left. */
async function curl(
  stage: Stage,
  trusts: 'ours' | 'origins',
  args: readonly string[],
  table: 'exchanges' | 'connections',
  /** Rows of connections are written when they end: those of earlier ones may come meanwhile. */
  is: (row: Row) => boolean = () => true,
) {
  const before = stage.sallyport.rows(table).length
  const ca = trusts === 'ours' ? ours(stage) : stage.origins
  const said = await stage.network.laptop.run(['curl', '-sS', '--max-time', '20', '--cacert', ca, ...args])
  assert.equal(said.status, 0, `${said.stderr}\n${stage.sallyport.log().slice(-800)}`)
  const told = (some: readonly Row[]): Row | undefined => some.slice(before).findLast(is)
  const rows = await stage.sallyport.rowsWhen(
    table,
    (some) => told(some) !== undefined && some.every((row) => row['state'] !== 'open'),
  )
  return { answer: JSON.parse(said.stdout) as Answer, row: told(rows) as Row }
}

const isOther = (row: Row): boolean => row['host'] === names.other

const ours = (stage: Stage): string => join(stage.installation.dir, 'certs', 'ca.pem')

/** Policies that are in force when it resolves. */
async function policy(stage: Stage, says: object): Promise<void> {
  const digest = async () => (JSON.parse((await stage.sallyport.get('/readyz')).body) as { policy: string }).policy
  const before = await digest()
  writeFileSync(join(stage.installation.dir, 'policies', 'b.yaml'), stringify(says))
  while ((await digest()) === before) await new Promise((wake) => setTimeout(wake, 50))
}

async function prepare(): Promise<Stage> {
  const network = await startNetwork()
  network.rules(rules)
  const authority = testAuthority()
  const { cert, key } = authority.issue([...Object.values(names), at.other.ipv4])
  const folder = tempFolder('origins')
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  writeFileSync(certFile, cert)
  writeFileSync(keyFile, key)
  const origins = network.internet.start([process.execPath, program('origins.ts'), certFile, keyFile])
  process.once('exit', () => origins.kill('SIGKILL'))
  await once(origins.stdout as NodeJS.ReadableStream, 'data')
  const installation = await installSallyport({
    authority,
    config: {
      workers: 2,
      proxy: { transparent: `:${port}`, allowClients: ['192.168.7.0/24', 'fd00:7::/64'] },
    },
    policies: { 'a.yaml': {} },
  })
  copyFileSync(join(installation.dir, 'origins.pem'), join(folder, 'ca.pem'))
  const sallyport = await serve(installation)
  return { network, installation, sallyport, origins: join(folder, 'ca.pem') }
}

const port = 3129
// As the documentation has them, with two ports more.
const page = readFileSync(new URL('../../../docs/transparent.md', import.meta.url), 'utf8')
const documented = /^table inet sallyport \{$[^]*?^\}$/m.exec(page)?.[0] ?? ''
const rules = `${documented.replace('{ 80, 443 }', '{ 80, 443, 8080, 8443 }')}\n`

const stage = await prepare()
const wanted = process.argv.slice(2)
for (const [name, run] of steps.filter(([some]) => wanted.length === 0 || wanted.some((part) => some.includes(part)))) {
  const began = Date.now()
  await run(stage).catch((cause: unknown) => {
    console.error(`failed: ${name}\n`, cause, stage.sallyport.log().slice(-2_000))
    process.exit(1)
  })
  console.log(`ok: ${name} (${Date.now() - began} ms)`)
}
await stage.sallyport.stop()
process.exit(0)
