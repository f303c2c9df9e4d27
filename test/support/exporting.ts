import { hash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { openLedger } from '../../src/audit/find/ledger.ts'
import { startRecorder } from '../../src/audit/recorder.ts'
import { commandLine } from './command-line.ts'
import { connectionRow, doneRow, openRow } from './ledger-rows.ts'
import { tempFolder } from './temp.ts'

export type Filled = { readonly cwd: string; readonly ids: readonly string[] }

/** A folder with a configuration that has these sinks, and a ledger of three exchanges and a connection. */
export async function filled(sinks = ''): Promise<Filled> {
  const cwd = tempFolder('audit-export')
  writeFileSync(join(cwd, 'sallyport.yaml'), `audit:\n  export: [${sinks}]\n`)
  const recorder = startRecorder({ dir: join(cwd, 'data'), durability: 'relaxed', inlineBytes: 65_536 })
  const rows = [openRow({ path: '=cmd()' }), openRow({ host: 'api.anthropic.com' }), openRow()]
  for (const row of rows) {
    const requestBody = `{"prompt":"${row.host}"}`
    const requestSha256 = hash('sha256', requestBody)
    recorder.once(row, doneRow(row.id, { requestBody, requestSha256, findings: '[{"type":"EMAIL"}]' }))
  }
  recorder.connection(connectionRow())
  await recorder.close()
  return { cwd, ids: rows.map(({ id }) => id) }
}

/** Runs `audit export`. */
export const run = (cwd: string, ...args: string[]) => commandLine(['audit', 'export', ...args], { cwd })

export const jsonOf = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>)

/** What was recorded of exports. */
export function exportsIn(cwd: string): Record<string, unknown>[] {
  const ledger = openLedger(join(cwd, 'data'))
  const events = [...ledger.find('events', {}).rows()].filter(({ what }) => what === 'audit.export')
  ledger.close()
  return events
}

/** A webhook that takes what it is sent, or answers with a status of its own. */
export async function receiver(t: TestContext): Promise<{ url: string; got: string[]; status: number }> {
  const it = { url: '', got: [] as string[], status: 200 }
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      if (it.status === 200) it.got.push(...body.trim().split('\n'))
      response.writeHead(it.status).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  it.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/in`
  return it
}

export const hook = (url: string): string => `{ name: hook, type: webhook, url: "${url}", secret: shhh, bodies: true }`
