import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { X509Certificate } from 'node:crypto'
import { Option } from 'commander'
import { catalogueHosts } from '../app/catalogue.ts'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { writeFileAtomic } from '../lib/atomic-file.ts'
import { defaultPolicyFile } from '../policy/default.ts'
import { policyFilesIn } from '../policy/files.ts'
import { loadPolicies, packFoldersFor } from '../policy/load.ts'
import { type Authority, outsideConstraints, unavailable } from '../tls/authority.ts'
import { caPaths, ensureAuthority, type NewCaOptions, openAuthority, rotateAuthority } from '../tls/ca.ts'
import { exported, type ExportFormat, exportFormats } from '../trust/export.ts'
import { trustStores } from '../trust/index.ts'
import { changeStores, fingerprintOf, rootOf } from './ca-stores.ts'
import { UsageError } from './command.ts'
import type { CliCommand, Io } from './command.ts'
import { recordOperatorAct } from './operator-event.ts'
import { printJson, printLines } from './output.ts'

export type CaCommandOptions = { readonly config?: string; readonly json?: boolean; readonly dryRun?: boolean }

export const ca: CliCommand = {
  name: 'ca',
  summary: 'the local authority: make it, show it, hand it out, have it trusted here',
  examples: [
    'sallyport ca init',
    'sallyport ca install --dry-run',
    'sallyport ca export --format der --out sallyport.cer',
    'sallyport ca rotate',
  ],
  build: (command, io, run) => {
    const on = (name: string, description: string) =>
      command.command(name).description(description).option('-c, --config <file>', FILE_HELP)
    on('init', 'make the CA, or open the one that is there and bring its bundle up to date').action(
      run((options: CaCommandOptions) => init(options, io)),
    )
    on('show', 'show the CA: its name, fingerprint, end, and the hosts it may vouch for')
      .option('--json', 'print one JSON object')
      .action(run((options: CaCommandOptions) => show(options, io)))
    on('export', 'write the certificate, never the key, as other systems take it; stores open with `changeit`')
      .addOption(new Option('--format <format>', 'file format').choices(exportFormats).default('pem'))
      .option('--out <file>', 'file to write instead of standard output')
      .action(run((options: ExportOptions) => exportCertificate(options, io)))
    for (const action of ['install', 'uninstall'] as const) {
      on(action, ACTIONS[action])
        .argument('[store...]', `only these: ${trustStores.map(({ name }) => name).join(', ')}`)
        .option('--dry-run', 'print the commands, run none')
        .option('--json', 'print JSON lines')
        .action(
          run((stores: string[], options: CaCommandOptions) =>
            changeStores(action, { config: configOf(options, io), stores, options, io }),
          ),
        )
    }
    on('rotate', 'make a new CA in the place of this one, for the hosts that policy inspects now').action(
      run((options: CaCommandOptions) => rotate(options, io)),
    )
  },
}

async function init(options: CaCommandOptions, io: Io): Promise<void> {
  const config = configOf(options, io)
  const { authority, created } = await ensureAuthority(await newCaOptions(config, io))
  const { certificatePath, bundlePath } = caPaths(config.ca.dir)
  const { name, fingerprint } = authority
  if (created) recordOperatorAct(config, io, { what: 'ca.init', subject: fingerprint, after: { name } })
  await printLines(io, [
    created ? `made ${authority.name}` : `${authority.name} is there already`,
    `certificate   ${certificatePath}`,
    `with roots    ${bundlePath}`,
    `may vouch for ${vouching(authority)}`,
    ...(created
      ? ['next: `sallyport ca install` has this machine trust it; `sallyport exec` needs no such thing']
      : []),
  ])
}

async function show(options: CaCommandOptions, io: Io): Promise<void> {
  const config = configOf(options, io)
  const authority = await openOrFail(config, io)
  const { certificatePath, keyPath, bundlePath } = caPaths(config.ca.dir)
  const hosts = await inspectedHosts(config)
  const outside = outsideConstraints(hosts === 'any' ? ['*'] : hosts, authority)
  const ends = new Date(authority.notAfter).toISOString()
  if (options.json === true) {
    const { name, fingerprint, permitted } = authority
    const files = { certificate: certificatePath, key: keyPath, bundle: bundlePath }
    return printJson(io, { name, fingerprint, notAfter: ends, permitted, outside, ...files })
  }
  await printLines(io, [
    authority.name,
    `SHA-256       ${(authority.fingerprint.match(/../g) ?? []).join(':').toUpperCase()}`,
    `valid until   ${ends.slice(0, 10)}`,
    `may vouch for ${vouching(authority)}`,
    ...(outside.length === 0 ? [] : [`inspected by policy, but outside of that: ${outside.join(', ')}`]),
    `certificate   ${certificatePath}`,
    `key           ${keyPath}`,
    `with roots    ${bundlePath}`,
  ])
}

type ExportOptions = CaCommandOptions & { readonly format: ExportFormat; readonly out?: string }

async function exportCertificate({ format, out, ...options }: ExportOptions, io: Io): Promise<void> {
  const { pem } = await rootOf(caPaths(configOf(options, io).ca.dir).certificatePath)
  const name = /^CN=(.*)$/m.exec(new X509Certificate(pem).subject)?.[1] ?? 'Sallyport CA'
  const bytes = exported(format, { pem, name, now: Date.now() })
  if (out !== undefined) return writeFileAtomic(resolve(io.cwd, out), bytes)
  if (io.stdout.isTTY === true && BINARY.has(format)) {
    throw new UsageError(`${format} is no text for a terminal`, 'name a file with --out')
  }
  io.stdout.write(bytes)
}

async function rotate(options: CaCommandOptions, io: Io): Promise<void> {
  const config = configOf(options, io)
  const before = await fingerprintIn(config)
  const authority = await rotateAuthority(await newCaOptions(config, io))
  const { name, fingerprint } = authority
  const act = { what: 'ca.rotate', subject: fingerprint, after: { name } } as const
  recordOperatorAct(config, io, { ...act, before: { fingerprint: before } })
  await printLines(io, [
    `made ${authority.name}`,
    `may vouch for ${vouching(authority)}`,
    'next: restart Sallyport; where the old one was installed, `sallyport ca uninstall`, then `sallyport ca install`',
  ])
}

/** The fingerprint of the certificate that is there; null when there is none that can be read. */
async function fingerprintIn(config: Config): Promise<string | null> {
  const root = await rootOf(caPaths(config.ca.dir).certificatePath).catch(() => undefined)
  return root === undefined ? null : fingerprintOf(root.pem)
}

async function openOrFail(config: Config, io: Io): Promise<Authority> {
  const { dir, passphrase } = config.ca
  const authority = await openAuthority({ dir, passphrase, now: Date.now(), warn: warnOn(io) })
  if (authority === undefined) throw unavailable(`there is no CA in ${dir}`)
  return authority
}

async function newCaOptions(config: Config, io: Io): Promise<NewCaOptions> {
  const { dir, passphrase, nameConstraints } = config.ca
  const permitted = nameConstraints === 'off' ? 'any' : await inspectedHosts(config)
  return { dir, passphrase, permitted, now: Date.now(), name: hostname(), warn: warnOn(io) }
}

/** As the policies say; before the first start there are none, and the default is what will be. */
async function inspectedHosts({ policies: { dir } }: Config): Promise<readonly string[] | 'any'> {
  const own = await policyFilesIn(dir).catch(() => [])
  const files = own.length === 0 ? [defaultPolicyFile] : undefined
  const set = await loadPolicies({ dir, files, packFolders: packFoldersFor(dir), catalogue: catalogueHosts() })
  return set.inspectedHosts
}

function vouching({ permitted }: Authority): string {
  if (permitted === 'any') return 'every host'
  if (permitted.length <= SHOWN) return permitted.join(', ')
  return `${permitted.slice(0, SHOWN).join(', ')} and ${permitted.length - SHOWN} more`
}

function warnOn(io: Io): (message: string) => void {
  return (message) => void io.stderr.write(`warning: ${message}\n`)
}

function configOf(options: CaCommandOptions, io: Io): Config {
  return loadConfig({ file: options.config, env: io.env, cwd: io.cwd })
}

const SHOWN = 12
const BINARY: ReadonlySet<string> = new Set(['der', 'p12', 'jks'])
const FILE_HELP = 'configuration file (default: sallyport.yaml, if there is one)'
const ACTIONS = {
  install: "have this machine's programs trust the CA",
  uninstall: 'undo that, also for the CAs that were here before a rotation',
}
