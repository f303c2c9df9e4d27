import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { linesOf } from '../../src/audit/sinks/lines.ts'
import type { ExportRow } from '../../src/audit/sinks/sink.ts'
import { syslog, type SyslogOptions } from '../../src/audit/sinks/syslog.ts'
import { testAuthority } from '../support/authority.ts'
import { checkpointRow, eventRow, exchangeRows, sinkContext } from '../support/export-rows.ts'
import { tempFolder } from '../support/temp.ts'
import type { Toolchain } from './toolchains.ts'
import type { Trial } from './wire-tools.ts'

/** How rsyslog listens; with TLS by the library of one of its drivers. */
export type Transport = 'udp' | 'tcp' | 'tls-ossl' | 'tls-gtls'

/** rsyslog with what it needs for the transport. */
export function rsyslogFor(transport: Transport, rsyslogd: Toolchain): Toolchain {
  const driver = transport.slice('tls-'.length)
  const isThere = !transport.startsWith('tls-') || folders.some((folder) => existsSync(`${folder}/lmnsd_${driver}.so`))
  const reason = `rsyslog has no driver ${driver}`
  return { name: `rsyslogd-${transport}`, prepare: (cache) => (isThere ? rsyslogd.prepare(cache) : { skip: reason }) }
}

/** The real rsyslog takes every message as it was written, in order, with all of its header; over TLS it checks our certificate. */
export function rsyslog(transport: Transport): Trial {
  return async (program) => {
    const place = placeFor()
    const daemon = await start(program, transport, place)
    try {
      return await trial(transport, daemon.port, place)
    } catch (thrown) {
      return `${String(thrown)} ${daemon.said().slice(-600)}`
    } finally {
      await daemon.stop()
    }
  }
}

/** rsyslog that is stopped and started again and again while rows are sent has every row in the end, some of them twice. */
export function rsyslogRestarts(transport: Exclude<Transport, 'udp'>): Trial {
  return async (program) => {
    const place = placeFor()
    let daemon = await start(program, transport, place)
    const sink = syslog.create(
      { ...optionsFor(transport, daemon.port, place), format: 'json' } as SyslogOptions,
      sinkContext,
    )
    const [ids, failures] = [new Set<string>(), new Set<string>()]
    const done = new AbortController()
    const restarting = (async () => {
      for (let restarts = 0; !done.signal.aborted; restarts++) {
        await sleep(40 + 37 * (restarts % 4))
        await daemon.stop()
        daemon = await start(program, transport, place, daemon.port)
      }
    })()
    const deadline = Date.now() + 60_000
    for (let batch = 0; batch < BATCHES && Date.now() < deadline;) {
      const rows = Array.from({ length: 50 }, (_, n) => eventRow(batch * 50 + n))
      try {
        await sink.send(rows, new AbortController().signal)
        for (const { row } of rows) ids.add(String(row.id))
        batch += 1
      } catch (thrown) {
        failures.add(String(thrown))
        await sleep(20)
      }
    }
    done.abort()
    await restarting
    await daemon.stop()
    await sink.close()
    const written = readFileSync(join(place.folder, 'out'), 'utf8')
    const lost = [...ids].filter((id) => !written.includes(`"id":"${id}"`)).length
    if (failures.size === 0) return 'it was never away'
    return lost === 0 && ids.size === BATCHES * 50
      ? undefined
      : `of ${ids.size} rows ${lost} are lost; ${[...failures].join(', ')}`
  }
}

type Place = { readonly folder: string; readonly files: Pems }

function placeFor(): Place {
  const folder = tempFolder('rsyslog')
  return { folder, files: pems(folder, testAuthority()) }
}

type Daemon = { readonly port: number; readonly said: () => string; readonly stop: () => Promise<void> }

async function start(program: string, transport: Transport, { folder, files }: Place, port = 0): Promise<Daemon> {
  const [conf, portFile, pidFile] = ['conf', 'port', 'pid'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  writeFileSync(conf, configuration(transport, folder, files, port))
  rmSync(portFile, { force: true })
  const child = spawn(program, ['-n', '-f', conf, '-i', pidFile], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  // It tells that it listens on UDP in no other way than its pid file, which comes before.
  const told = await content(transport === 'udp' ? pidFile : portFile, (text) => text !== '')
  if (transport === 'udp') await sleep(1_000)
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    await ended
  }
  return { port: transport === 'udp' ? UDP_PORT : Number(told), said: () => said, stop }
}

type Pems = {
  readonly ca: string
  readonly clientCert: string
  readonly clientKey: string
  readonly cert: string
  readonly key: string
}

async function trial(transport: Transport, port: number, place: Place): Promise<string | undefined> {
  const options = optionsFor(transport, port, place)
  const wanted: string[] = []
  for (const format of ['json', 'ocsf', 'ecs', 'cef', 'leef'] as const) {
    const rows: ExportRow[] = [...exchangeRows(50), eventRow(60), checkpointRow(70)]
    const sink = syslog.create({ ...options, format } as SyslogOptions, sinkContext)
    const refused = await sink.send(rows, new AbortController().signal)
    await sink.close()
    if (refused.length > 0) return `${format}: ${refused.length} refused`
    wanted.push(...linesOf(rows, format, sinkContext).map(({ row, text }) => `${row.table}\t19\t${text}`))
  }
  const lines = (text: string) => text.split('\n').slice(0, -1)
  const written = lines(await content(join(place.folder, 'out'), (text) => lines(text).length >= wanted.length))
  for (const [at, line] of wanted.entries()) {
    const [facility, host, app, msgId, data, ...text] = (written[at] ?? '').split('\t')
    // rsyslog keeps the byte order mark, and the space before it.
    const read = `${msgId}\t${facility}\t${text.join('\t').replace(/^ ?\uFEFF/, '')}`
    if (read !== line) return `message ${at} of ${written.length}: ${read.slice(0, 200)} is not ${line.slice(0, 200)}`
    if (host !== sinkContext.hostname || app !== 'sallyport') return `message ${at}: the header is wrong`
    if (!/^\[sallyport@32473 id="[^"]+" table="\w+" block="\d+"\]$/.test(data ?? '')) return `message ${at}: ${data}`
  }
  if (transport.startsWith('tls-'))
    return stranger({ ...options, format: 'json', clientCert: undefined, clientKey: undefined })
  return written.length === wanted.length ? undefined : `${written.length} messages, not ${wanted.length}`
}

function optionsFor(transport: Transport, port: number, { files }: Place): Omit<SyslogOptions, 'format'> {
  const { ca, clientCert, clientKey } = files
  const tls = transport.startsWith('tls-')
  return {
    type: 'syslog',
    address: `${tls ? 'tls' : transport}://127.0.0.1:${port}`,
    facility: 'local3',
    bom: true,
    confirm: 'close',
    timeoutMs: 10_000,
    ...(tls ? { ca, clientCert, clientKey } : {}),
  }
}

/** Without a certificate that it knows, nothing counts as delivered. */
async function stranger(options: SyslogOptions): Promise<string | undefined> {
  const sink = syslog.create(options, sinkContext)
  try {
    await sink.send([eventRow(1)], new AbortController().signal)
    return 'a stranger could deliver'
  } catch {
    return undefined
  } finally {
    await sink.close()
  }
}

function configuration(transport: Transport, folder: string, { ca, cert, key }: Pems, port: number): string {
  const tls = transport.startsWith('tls-')
  const driver = transport.slice('tls-'.length)
  const files = tls
    ? `defaultNetstreamDriverCAFile="${ca}" defaultNetstreamDriverCertFile="${cert}" defaultNetstreamDriverKeyFile="${key}"`
    : ''
  const stream = tls ? `StreamDriver.Name="${driver}" StreamDriver.Mode="1" StreamDriver.AuthMode="x509/certvalid"` : ''
  const input =
    transport === 'udp'
      ? `module(load="imudp")\ninput(type="imudp" address="127.0.0.1" port="${UDP_PORT}" rcvbufSize="4m")`
      : `module(load="imtcp" ${stream})\ninput(type="imtcp" address="127.0.0.1" port="${port}" listenPortFileName="${folder}/port")`
  const properties = ['syslogfacility', 'HOSTNAME', 'APP-NAME', 'MSGID', 'STRUCTURED-DATA', 'msg'].map(
    (name) => `%${name}%`,
  )
  return `global(workDirectory="${folder}" maxMessageSize="1m" parser.escapeControlCharactersOnReceive="off" ${files})
${input}
template(name="t" type="string" string="${properties.join('\\t')}\\n")
action(type="omfile" file="${folder}/out" template="t")
`
}

function pems(folder: string, authority: ReturnType<typeof testAuthority>): Pems {
  const server = authority.issue(['127.0.0.1'])
  const client = authority.issue(['gate'], { usage: 'client' })
  const write = (name: string, pem: string): string => {
    writeFileSync(join(folder, name), pem)
    return join(folder, name)
  }
  return {
    ca: write('ca.pem', authority.cert),
    cert: write('server.pem', server.cert),
    key: write('server.key', server.key),
    clientCert: write('client.pem', client.cert),
    clientKey: write('client.key', client.key),
  }
}

/** What a file holds as soon as that is enough, or after a while. */
async function content(path: string, enough: (text: string) => boolean): Promise<string> {
  for (let waited = 0; waited < 15_000; waited += 50) {
    if (existsSync(path) && enough(readFileSync(path, 'utf8'))) break
    await sleep(50)
  }
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}

const BATCHES = 12
// rsyslog cannot say which port the system has chosen for UDP.
const UDP_PORT = 20_514
const folders = ['x86_64', 'aarch64', 'arm'].map(
  (machine) => `/usr/lib/${machine}-linux-gnu${machine === 'arm' ? 'eabihf' : ''}/rsyslog`,
)
