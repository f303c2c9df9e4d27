import { type Stats, readFileSync, statSync } from 'node:fs'
import { SallyportError } from '../../core/errors.ts'
import { fingerprintOf, type SealKey } from './seal.ts'

/** `audit.encryption` of the configuration. */
export type Encryption = {
  readonly keys: readonly { readonly id: string; readonly file?: string; readonly env?: string }[]
}

/**
 * The keys that open bodies; the first also seals them. None without `audit.encryption`. A key is 32 bytes, in a file also as they
 * are, in a file or an environment variable as 64 hexadecimal digits or as base64. Throws `config_invalid` that names the key which
 * is missing, short or there twice, and tells nothing of what it is.
 */
export function readSealKeys(
  encryption: Encryption | null,
  env: Readonly<Record<string, string | undefined>>,
  warn: (message: string) => void,
): readonly SealKey[] {
  const keys = (encryption?.keys ?? []).map((entry, index) => {
    const at = `audit.encryption.keys[${index}] (${entry.id})`
    const key = entry.file === undefined ? fromEnvironment(at, entry.env ?? '', env) : fromFile(at, entry.file, warn)
    return { id: entry.id, key, at }
  })
  const seen = new Map<string, string>()
  for (const { key, at } of keys) {
    const print = fingerprintOf(key).toString('hex')
    const other = seen.get(print)
    if (other !== undefined) throw new SallyportError('config_invalid', `${at}: is the same key as ${other}`)
    seen.set(print, at)
  }
  return keys.map(({ id, key }) => ({ id, key }))
}

function fromEnvironment(at: string, name: string, env: Readonly<Record<string, string | undefined>>): Buffer {
  const text = env[name]
  if (text === undefined || text === '') {
    throw new SallyportError('config_invalid', `${at}: the environment variable ${name} is not set`)
  }
  return fromText(text) ?? unfit(at, `the environment variable ${name}`)
}

function fromFile(at: string, file: string, warn: (message: string) => void): Buffer {
  const { content, mode } = read(at, file)
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    warn(`${at}: ${file} can be read by others (mode 0${(mode & 0o777).toString(8)}): make it 0600`)
  }
  // Text of 32 characters is half a key in hexadecimal, or a password.
  if (content.length === KEY_BYTES && !/^[\x20-\x7e]*$/.test(content.toString('latin1'))) return content
  return fromText(content.toString('latin1').replace(/\r?\n$/, '')) ?? unfit(at, file)
}

function read(at: string, file: string): { content: Buffer; mode: number } {
  let stats: Stats
  try {
    stats = statSync(file)
    if (stats.isFile() && stats.size <= MOST_BYTES) return { content: readFileSync(file), mode: stats.mode }
  } catch (cause) {
    throw new SallyportError('config_invalid', `${at}: cannot read ${file}`, { cause })
  }
  return unfit(at, file)
}

function fromText(text: string): Buffer | undefined {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex')
  if (!/^[A-Za-z0-9+/]{43}=$/.test(text)) return undefined
  const key = Buffer.from(text, 'base64')
  // The last character has two bits too many: they must be zero.
  return key.toString('base64') === text ? key : undefined
}

function unfit(at: string, where: string): never {
  throw new SallyportError('config_invalid', `${at}: ${where} does not hold a key of 32 bytes`, {
    hint: '`openssl rand -base64 32` makes one.',
  })
}

const KEY_BYTES = 32
const MOST_BYTES = 4_096
