import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command as Commander } from 'commander'
import { openKeys } from '../access/keys.ts'
import type { Keys, NotFound } from '../access/keys.ts'
import type { Key } from '../access/key.ts'
import { periodMs, timeFrom } from '../access/period.ts'
import { secretHash } from '../access/secret.ts'
import { keySettings, limitNames } from '../access/settings.ts'
import type { KeySettings } from '../access/settings.ts'
import { keysHmac } from '../app/secrets.ts'
import { loadConfig } from '../config/load.ts'
import { databasePath } from '../store/open.ts'
import type { Durability } from '../store/open.ts'
import type { CliCommand, Io } from './command.ts'
import { UsageError } from './command.ts'
import { jsonLine, printJson, printLines, printTable } from './output.ts'
import { userName } from './user-name.ts'

export const key: CliCommand = {
  name: 'key',
  summary: 'virtual keys: who may use the gateway, and the proxy when it asks',
  examples: [
    'sallyport key create --name ci --owner platform --expires 90d',
    'sallyport key create --name laptop --allow 10.0.0.0/8,192.0.2.7 --json',
    'sallyport key list',
    'sallyport key rotate 0197a3c2 --overlap 24h',
    'sallyport key revoke 0197a3c2',
  ],
  build: (command, io, run) => {
    const create = command
      .command('create')
      .description('make a key and print it; it is shown this once')
      .requiredOption('--name <name>', 'what the key is called; the user name of proxy credentials')
      .option('--owner <owner>', 'who answers for it')
      .option('--models <list>', 'models it may use, with commas between')
    for (const [flag, what] of limits) create.option(flag, what)
    create
      .option('--allow <list>', 'networks and addresses it may be used from, with commas between')
      .option('--system-prompt <text>', 'text that goes before every conversation')
      .option('--expires <when>', 'end of its life: 30d, 12h, or a date or time (ISO 8601, UTC)')
    common(create).action(run((flags: CreateFlags) => made(flags, io, (keys) => keys.create(settingsOf(flags)))))
    common(command.command('list').description('print the keys, never their secrets')).action(
      run((flags: Flags) => list(flags, io)),
    )
    common(command.command('revoke <id>').description('end a key at once')).action(
      run((id: string, flags: Flags) => revoke(id, flags, io)),
    )
    common(
      command
        .command('rotate <id>')
        .description('give a key a new secret and print it; the old one ends at once')
        .option('--overlap <period>', 'the old one is good for so much longer: 30m, 24h, 7d'),
    ).action(
      run((id: string, flags: Flags & { overlap?: string }) => {
        const overlap = overlapOf(flags.overlap)
        return made(flags, io, (keys) => keys.rotate(id, overlap))
      }),
    )
  },
}

type Flags = { readonly config?: string; readonly json?: boolean }
type CreateFlags = Flags & Readonly<Record<string, string | undefined>> & { readonly name: string }

async function made(
  flags: Flags,
  io: Io,
  make: (keys: Keys) => ReturnType<Keys['create']> | ReturnType<Keys['rotate']>,
): Promise<number> {
  const outcome = await withKeys(flags, io, make)
  if (outcome.kind === 'taken')
    return fault(io, 'an active key has this name', 'rotate or revoke it, or choose another')
  if (outcome.kind === 'ended') return fault(io, `the key is ${outcome.key.state}`, 'create a new one')
  if (outcome.kind !== 'made') return notFound(io, outcome)
  const { key: one, secret } = outcome
  if (waits(one)) io.stderr.write('note: models, limits and system prompt are kept, and not yet in force\n')
  if (flags.json === true) await printJson(io, { id: one.id, name: one.name, key: secret })
  else await printLines(io, [`id    ${one.id}`, `name  ${one.name}`, `key   ${secret}`, 'The key is not shown again.'])
  return 0
}

async function list(flags: Flags, io: Io): Promise<void> {
  // Looking makes nothing.
  const keys = existsSync(databasePath(foldersOf(flags, io).dir))
    ? await withKeys(flags, io, (some) => some.list())
    : []
  if (flags.json === true) return printJson(io, ...keys)
  await printTable(
    io,
    [
      { title: 'id', of: ({ id }) => id },
      { title: 'name', of: ({ name }) => name },
      { title: 'owner', of: ({ owner }) => owner },
      { title: 'state', of: ({ state }) => state },
      { title: 'created', of: ({ created }) => created },
      { title: 'expires', of: ({ expires }) => expires },
      { title: 'last used', of: ({ lastUsed }) => lastUsed },
    ],
    keys,
  )
}

async function revoke(id: string, flags: Flags, io: Io): Promise<number> {
  const outcome = await withKeys(flags, io, (keys) => keys.revoke(id))
  if (outcome.kind !== 'revoked') return notFound(io, outcome)
  const { key: one } = outcome
  if (flags.json === true) await printJson(io, { id: one.id, name: one.name, state: one.state, revoked: one.revoked })
  else await printLines(io, [`${one.id} ${one.name} is revoked`])
  return 0
}

async function withKeys<T>(flags: Flags, io: Io, use: (keys: Keys) => T): Promise<T> {
  const { dir, durability } = foldersOf(flags, io)
  const hash = secretHash(await keysHmac(dir))
  const keys = openKeys({ dir, durability, hash, who: userName(), now: Date.now })
  try {
    return use(keys)
  } finally {
    keys.close()
  }
}

function foldersOf(flags: Flags, io: Io): { dir: string; durability: Durability } {
  const { data, audit } = loadConfig({ file: flags.config, env: io.env, cwd: io.cwd })
  return { dir: resolve(io.cwd, data.dir), durability: audit.durability }
}

function settingsOf(flags: CreateFlags): KeySettings {
  const numbers = limitNames.map((name) => [name, flags[name] === undefined ? undefined : numberOf(flags[name])])
  const parsed = keySettings.safeParse({
    name: flags.name,
    owner: flags['owner'] ?? null,
    models: listOf(flags['models']),
    limits: Object.fromEntries(numbers.filter(([, value]) => value !== undefined)),
    allow: listOf(flags['allow']),
    systemPrompt: flags['systemPrompt'] ?? null,
    expires: expiryOf(flags['expires']),
  })
  if (parsed.success) return parsed.data
  const [first] = parsed.error.issues
  const [section, limit] = first?.path ?? []
  throw new UsageError(
    `--${flagOf(String(section === 'limits' ? limit : section))} ${first?.message ?? 'is not valid'}`,
  )
}

function expiryOf(text: string | undefined): string | null {
  if (text === undefined) return null
  const time = timeFrom(text, Date.now())
  if (time === undefined)
    throw new UsageError(`--expires ${jsonLine(text)} is no time`, 'Write 12h, 30d, or 2027-01-31.')
  if (time <= new Date().toISOString()) throw new UsageError(`--expires ${jsonLine(text)} is past`)
  return time
}

function overlapOf(text: string | undefined): number {
  if (text === undefined) return 0
  const period = periodMs(text)
  if (period === undefined) throw new UsageError(`--overlap ${jsonLine(text)} is no period`, 'Write 30m, 24h or 7d.')
  return period
}

function numberOf(text: string): number {
  return /^\d{1,15}(?:\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN
}

function listOf(text: string | undefined): string[] {
  return text === undefined ? [] : text.split(',').map((one) => one.trim())
}

const flagOf = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

const waits = ({ models, limits: some, systemPrompt }: Key): boolean =>
  models.length > 0 || Object.keys(some).length > 0 || systemPrompt !== null

function notFound(io: Io, { kind }: NotFound): number {
  return kind === 'none'
    ? fault(io, 'no key has this id', '`sallyport key list` lists ids')
    : fault(io, 'several ids begin so', 'write more of it')
}

function fault(io: Io, message: string, hint: string): number {
  io.stderr.write(`error: ${message}\nhint: ${hint}\n`)
  return 1
}

function common(command: Commander): Commander {
  return command
    .option('-c, --config <file>', 'configuration file (default: sallyport.yaml, if there is one)')
    .option('--json', 'print JSON lines')
}

const limits: readonly (readonly [flag: string, what: string])[] = [
  ['--rpm <n>', 'requests a minute'],
  ['--rph <n>', 'requests an hour'],
  ['--rpd <n>', 'requests a day'],
  ['--tpm <n>', 'tokens a minute'],
  ['--tpd <n>', 'tokens a day'],
  ['--usd-day <x>', 'US dollars a day'],
  ['--usd-month <x>', 'US dollars a month'],
  ['--parallel <n>', 'requests at a time'],
  ['--max-input-tokens <n>', 'input tokens of a request'],
  ['--max-output-tokens <n>', 'output tokens of a request'],
]
