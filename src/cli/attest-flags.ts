import type { KeyObject } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command as Commander } from 'commander'
import { openDevices } from '../access/devices.ts'
import type { Devices } from '../access/devices.ts'
import { periodMs, timeFrom } from '../access/period.ts'
import { privateKeyFrom, publicKeyFrom } from '../attest/keys.ts'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { SallyportError } from '../core/errors.ts'
import { readRegularFile } from '../lib/regular-file.ts'
import { UsageError } from './command.ts'
import type { Io } from './command.ts'
import { jsonLine, printable } from './output.ts'
import { userName } from './user-name.ts'

/** What the commands of `attest` have in common. */
export type Flags = { readonly config?: string; readonly json?: boolean }

export function readsConfig(command: Commander): Commander {
  return command.option('-c, --config <file>', 'configuration file (default: sallyport.yaml, if there is one)')
}

export function configOf(flags: Flags, io: Io): Config {
  return loadConfig({ file: flags.config, env: io.env, cwd: io.cwd })
}

/** Opens the devices of the data folder for as long as they are used. */
export function withDevices<T>(flags: Flags, io: Io, use: (devices: Devices) => T): T {
  const { data, audit } = configOf(flags, io)
  const dir = resolve(io.cwd, data.dir)
  const devices = openDevices({ dir, durability: audit.durability, who: userName(), now: Date.now })
  try {
    return use(devices)
  } finally {
    devices.close()
  }
}

/** The time that a flag says, as ISO 8601. Throws UsageError for what is none, or past. */
export function futureOf(name: string, text: string): string {
  const time = timeFrom(text, Date.now())
  if (time === undefined)
    throw new UsageError(`--${name} ${jsonLine(text)} is no time`, 'Write 12h, 90d, or 2027-01-31.')
  if (time <= new Date().toISOString()) throw new UsageError(`--${name} ${jsonLine(text)} is past`)
  return time
}

/** The milliseconds that a flag says. Throws UsageError for anything else. */
export function periodOf(name: string, text: string): number {
  const period = periodMs(text)
  if (period === undefined) throw new UsageError(`--${name} ${jsonLine(text)} is no period`, 'Write 30m, 24h or 7d.')
  return period
}

/** The public key that a flag gives: the text itself, or the file that has it. */
export function publicKeyOfFlag(text: string, io: Io): Buffer {
  const given = publicKeyFrom(text)
  if (given !== undefined) return given
  if (text.includes('PRIVATE KEY')) throw invalid('--public-key is a private key', STAYS)
  if (!existsSync(resolve(io.cwd, text)))
    throw invalid('--public-key is neither an Ed25519 public key nor a file', FORMS)
  const content = textOfFile(text, io)
  const key = publicKeyFrom(content)
  if (key !== undefined) return key
  if (content.includes('PRIVATE KEY')) throw invalid(`${text} is a private key`, STAYS)
  throw invalid(`${text} has no Ed25519 public key`, FORMS)
}

/** The private key in a file. One that others may read is used, and told. */
export function privateKeyIn(path: string, io: Io): KeyObject {
  const key = privateKeyFrom(textOfFile(path, io))
  const { mode } = statSync(resolve(io.cwd, path))
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    io.stderr.write(`warning: ${printable(path)} can be read by others: chmod 600\n`)
  return key
}

/** The text of a small file, of standard input for `-`. */
export async function textOfInput(path: string, io: Io): Promise<string> {
  if (path !== '-') return textOfFile(path, io)
  let text = ''
  for await (const piece of io.stdin) {
    text += String(piece)
    if (text.length > MOST_BYTES) throw new UsageError('there is too much on standard input')
  }
  return text
}

export function textOfFile(path: string, io: Io): string {
  try {
    // What a shell gives for `<(…)` is a pipe, and cannot be looked at before it is read.
    return path.startsWith('/dev/fd/') ? readFileSync(path, 'utf8') : readRegularFile(resolve(io.cwd, path), MOST_BYTES)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
    throw new SallyportError('config_invalid', `${path} cannot be read: ${code}`, { cause, hint: '' })
  }
}

export function invalid(message: string, hint: string): SallyportError {
  return new SallyportError('config_invalid', message, { hint })
}

/** Tells what went wrong; gives the exit status. */
export function fault(io: Io, message: string, hint: string): number {
  io.stderr.write(`error: ${message}\nhint: ${hint}\n`)
  return 1
}

const STAYS = 'It stays at the device: give what `attest keygen` printed.'
const FORMS = 'Give base64url of its 32 bytes without padding, or a file with that or with SPKI in PEM.'
const MOST_BYTES = 65_536
