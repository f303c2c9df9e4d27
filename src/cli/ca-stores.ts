import { X509Certificate } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Config } from '../config/schema.ts'
import { pemCertificates, unavailable } from '../tls/authority.ts'
import { caPaths } from '../tls/ca.ts'
import { apply, type Outcome, storesOf, terminalRunner } from '../trust/apply.ts'
import { trustStores } from '../trust/index.ts'
import { thisMachine } from '../trust/machine.ts'
import type { Root, TrustStore } from '../trust/store.ts'
import { UsageError } from './command.ts'
import type { Io } from './command.ts'
import { recordOperatorAct } from './operator-event.ts'
import { printJson, printLines } from './output.ts'

export type StoreChange = {
  readonly config: Config
  /** Names of the stores to change; none means all that the machine has. */
  readonly stores: readonly string[]
  readonly options: { readonly json?: boolean; readonly dryRun?: boolean }
  readonly io: Io
}

/** Puts the CA into the machine's trust stores, or takes it out, and says of each what came of it. Exit status 1 when one failed. */
export async function changeStores(action: 'install' | 'uninstall', change: StoreChange): Promise<number> {
  const { config, options, io } = change
  const machine = thisMachine(io.env)
  const { here, lacking } = storesOf(storesNamed(change.stores), machine)
  const { certificatePath } = caPaths(config.ca.dir)
  const files = action === 'install' ? [certificatePath] : [certificatePath, ...(await replaced(certificatePath))]
  const outcomes: Outcome[] = [...lacking]
  const commands: string[] = []
  for (const file of files) {
    const { root, pem } = await rootOf(file)
    const first = outcomes.length
    const run = options.dryRun === true ? null : terminalRunner(io.env)
    const onCommand = (line: string): void => {
      commands.push(line)
      if (run !== null) io.stderr.write(`+ ${line}\n`)
    }
    for (const store of here) outcomes.push(await apply(action, store, { machine, root, onCommand, run }))
    const stores = outcomes.slice(first).map(({ store, result }) => ({ store, result }))
    if (run !== null && stores.some(({ result }) => result === 'done'))
      recordOperatorAct(config, io, { what: `ca.${action}`, subject: fingerprintOf(pem), after: { stores } })
  }
  if (options.dryRun === true) await (options.json === true ? printJson(io, { commands }) : printLines(io, commands))
  else if (options.json === true) await printJson(io, ...outcomes)
  else await printLines(io, outcomes.map(described))
  if (here.length === 0) io.stderr.write(`${NOWHERE}\n`)
  return outcomes.some(({ result }) => result === 'failed') ? 1 : 0
}

/** The CA in this file as trust stores know it, and its PEM. */
export async function rootOf(file: string): Promise<{ root: Root; pem: string }> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') throw unavailable(`there is no CA in ${dirname(file)}`)
    throw unavailable(`${file} cannot be read (${cause.code})`, 'Check its owner and mode.', cause)
  })
  const [pem] = pemCertificates(text)
  if (pem === undefined) throw unavailable(`${file} is not a PEM certificate`)
  const certificate = new X509Certificate(pem)
  const digits = certificate.fingerprint256.replaceAll(':', '').slice(0, 8).toLowerCase()
  const name = /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? 'Sallyport CA'
  const sha1 = certificate.fingerprint.replaceAll(':', '')
  return { root: { pemFile: file, name: `${name} (${digits})`, id: `sallyport-${digits}`, sha1 }, pem }
}

/** SHA-256 of a certificate, as the authority tells it. */
export function fingerprintOf(pem: string): string {
  return new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase()
}

/** The certificates that rotations left beside the present one. */
async function replaced(certificatePath: string): Promise<string[]> {
  const folder = dirname(certificatePath)
  const kept = new RegExp(`^${basename(certificatePath).replace('.', '\\.')}\\.\\d{4}-\\d\\d-\\d\\d(\\.\\d+)?$`)
  const names = await readdir(folder).catch(() => [])
  return names.filter((name) => kept.test(name)).map((name) => join(folder, name))
}

function storesNamed(names: readonly string[]): readonly TrustStore[] {
  if (names.length === 0) return trustStores
  return names.map((name) => {
    const store = trustStores.find((candidate) => candidate.name === name)
    if (store !== undefined) return store
    throw new UsageError(`no trust store ${name}`, `stores: ${trustStores.map((known) => known.name).join(', ')}`)
  })
}

function described({ store, result, detail }: Outcome): string {
  return `${store.padEnd(8)}  ${result.padEnd(7)}  ${detail}`
}

const NOWHERE =
  'this machine has none of these trust stores: `sallyport exec` sets the variables that programs read instead'
