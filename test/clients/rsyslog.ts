import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
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
    const folder = tempFolder('rsyslog')
    const authority = testAuthority()
    const files = pems(folder, authority)
    writeFileSync(join(folder, 'conf'), configuration(transport, folder, files))
    const child = spawn(program, ['-n', '-f', join(folder, 'conf'), '-i', join(folder, 'pid')], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
    try {
      const port = transport === 'udp' ? UDP_PORT : Number(await content(join(folder, 'port'), (text) => text !== ''))
      if (Number.isNaN(port)) return `it does not listen: ${said.slice(-400)}`
      if (transport === 'udp') await new Promise((resolve) => setTimeout(resolve, 1_000))
      return await trial(transport, port, { folder, files })
    } catch (thrown) {
      return `${String(thrown)} ${said.slice(-600)}`
    } finally {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    }
  }
}

type Pems = {
  readonly ca: string
  readonly clientCert: string
  readonly clientKey: string
  readonly cert: string
  readonly key: string
}

async function trial(
  transport: Transport,
  port: number,
  { folder, files }: { readonly folder: string; readonly files: Pems },
): Promise<string | undefined> {
  const { ca, clientCert, clientKey } = files
  const tls = transport.startsWith('tls-')
  const options: Omit<SyslogOptions, 'format'> = {
    type: 'syslog',
    address: `${tls ? 'tls' : transport}://127.0.0.1:${port}`,
    facility: 'local3',
    bom: true,
    confirm: 'close',
    timeoutMs: 10_000,
    ...(tls ? { ca, clientCert, clientKey } : {}),
  }
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
  const written = lines(await content(join(folder, 'out'), (text) => lines(text).length >= wanted.length))
  for (const [place, line] of wanted.entries()) {
    const [facility, host, app, msgId, data, ...text] = (written[place] ?? '').split('\t')
    // rsyslog keeps the byte order mark, and the space before it.
    const read = `${msgId}\t${facility}\t${text.join('\t').replace(/^ ?\uFEFF/, '')}`
    if (read !== line)
      return `message ${place} of ${written.length}: ${read.slice(0, 200)} is not ${line.slice(0, 200)}`
    if (host !== sinkContext.hostname || app !== 'sallyport') return `message ${place}: the header is wrong`
    if (!/^\[sallyport@32473 id="[^"]+" table="\w+" block="\d+"\]$/.test(data ?? '')) return `message ${place}: ${data}`
  }
  if (tls) return stranger({ ...options, format: 'json', clientCert: undefined, clientKey: undefined })
  return written.length === wanted.length ? undefined : `${written.length} messages, not ${wanted.length}`
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

function configuration(transport: Transport, folder: string, { ca, cert, key }: Pems): string {
  const tls = transport.startsWith('tls-')
  const driver = transport.slice('tls-'.length)
  const files = tls
    ? `defaultNetstreamDriverCAFile="${ca}" defaultNetstreamDriverCertFile="${cert}" defaultNetstreamDriverKeyFile="${key}"`
    : ''
  const stream = tls ? `StreamDriver.Name="${driver}" StreamDriver.Mode="1" StreamDriver.AuthMode="x509/certvalid"` : ''
  const input =
    transport === 'udp'
      ? `module(load="imudp")\ninput(type="imudp" address="127.0.0.1" port="${UDP_PORT}" rcvbufSize="4m")`
      : `module(load="imtcp" ${stream})\ninput(type="imtcp" address="127.0.0.1" port="0" listenPortFileName="${folder}/port")`
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
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}

// rsyslog cannot say which port the system has chosen for UDP.
const UDP_PORT = 20_514
const folders = ['x86_64', 'aarch64', 'arm'].map(
  (machine) => `/usr/lib/${machine}-linux-gnu${machine === 'arm' ? 'eabihf' : ''}/rsyslog`,
)
