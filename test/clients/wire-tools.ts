import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openSockets } from '../../scripts/soak/sockets.ts'
import { connectRelay } from '../support/connect-relay.ts'
import { rawClient } from '../support/raw-client.ts'
import type { Sallyport } from '../support/sallyport.ts'
import { tempFolder } from '../support/temp.ts'

/** Has a tool test the wire; gives what it found wrong. */
export type Trial = (program: string, sallyport: Sallyport) => Promise<string | undefined>

const host = 'api.openai.com'
const target = `${host}:443`

/** Many requests at once over HTTP/2 or HTTP/1.1, each answered with 200. */
export function h2load(...flags: readonly string[]): Trial {
  return async (program, sallyport) => {
    await using relay = await connectRelay(sallyport.proxyPort, target)
    const body = join(tempFolder('h2load'), 'body.json')
    writeFileSync(body, JSON.stringify({ model: 'gpt-5.1', messages: [{ role: 'user', content: 'hello' }] }))
    const load = ['-n', '600', '-c', '10', '-d', body, '-H', 'content-type: application/json', ...flags]
    const to = [`--connect-to=127.0.0.1:${relay.port}`, `https://${host}/v1/chat/completions`]
    const said = await output(program, [...load, ...to])
    return /status codes: 600 2xx/.test(said) ? undefined : said.slice(-600)
  }
}

/** Slow clients of the proxy, for a page of its own or for a host behind it: a patient one is answered meanwhile, and afterwards nothing is left open. */
export function slowhttptest(to: 'page' | 'host', ...flags: readonly string[]): Trial {
  return async (program, sallyport) => {
    const door = `127.0.0.1:${sallyport.proxyPort}`
    const where = to === 'page' ? ['-u', `http://${door}/proxy.pac`] : ['-d', door, '-u', `http://${host}/v1/files`]
    const slow = ['-c', '300', '-r', '150', '-l', '6', '-i', '2', '-p', '3', '-v', '1', ...flags]
    const testing = output(program, [...slow, ...where])
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    const client = await rawClient(sallyport.proxyPort)
    client.send('GET /ca.pem HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
    const { status } = await client.answer()
    client.close()
    const said = await testing
    if (status !== 200) return `a patient client was answered with ${status}`
    if (!/service available:\s*YES/.test(said)) return said.slice(-400)
    const left = await leftOpen(sallyport.child.pid as number)
    return left === 0 ? undefined : `${left} sockets are still open`
  }
}

/** Protocols, cipher strength and the chain of an intercepted connection. */
export const testssl: Trial = async (program, sallyport) => {
  await using relay = await connectRelay(sallyport.proxyPort, target)
  const folder = tempFolder('testssl')
  const [ca, report] = [join(folder, 'ca.pem'), join(folder, 'report.json')]
  writeFileSync(ca, sallyport.ca())
  const tests = ['-p', '-s', '-S', '--ip', '127.0.0.1', '--add-ca', ca]
  const said = await output(program, [...quietly, '--jsonfile', report, ...tests, `${host}:${relay.port}`])
  const found = JSON.parse(readFileSync(report, 'utf8')) as { id: string; finding: string; severity: string }[]
  const finding = (id: string) => found.find((one) => one.id.split(' ')[0] === id)?.finding ?? 'not tested'
  const wrong = Object.entries(wantedFindings)
    .filter(([id, wanted]) => !wanted.test(finding(id)))
    .map(([id]) => `${id}: ${finding(id)}`)
  return wrong.length === 0 ? undefined : `${wrong.join('; ')} ${found.length === 0 ? said.slice(-400) : ''}`
}

/** Connections to origins are kept idle for half a minute: those of the tests before count too. */
async function leftOpen(pid: number): Promise<number> {
  if (process.platform !== 'linux') return 0
  for (let waited = 0; waited < 45_000 && openSockets(pid).length > 0; waited += 100)
    await new Promise((resolve) => setTimeout(resolve, 100))
  return openSockets(pid).length
}

async function output(program: string, args: readonly string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 90_000 })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  await once(child, 'close')
  return said.replaceAll(/\x1b\[[\d;]*m/g, '')
}

const quietly = ['--quiet', '--color', '0', '--warnings', 'batch']
const absent = /^not offered/
const wantedFindings: Readonly<Record<string, RegExp>> = {
  SSLv2: absent,
  SSLv3: absent,
  TLS1: absent,
  TLS1_1: absent,
  TLS1_2: /^offered/,
  TLS1_3: /^offered/,
  cipherlist_NULL: absent,
  cipherlist_aNULL: absent,
  cipherlist_EXPORT: absent,
  cipherlist_LOW: absent,
  cipherlist_3DES_IDEA: absent,
  cert_chain_of_trust: /^passed/,
}
