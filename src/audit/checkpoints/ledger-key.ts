import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SallyportError } from '../../core/errors.ts'
import { makePrivateFolder } from '../../store/open.ts'
import { publicKeys } from '../verify/statement.ts'

/** The Ed25519 key that signs checkpoints. `publicKey` is base64url of its 32 bytes. */
export type LedgerKey = { readonly privateKey: KeyObject; readonly publicKey: string; readonly created: boolean }

/**
 * Reads `dir/ledger.key`, or makes it (PKCS#8 PEM, 0600), and sees to it that `dir/ledger.pub` has its public key (SPKI PEM) beside those of
 * earlier ones. Of several callers at once all get the same; blocks. Throws `config_invalid` for a file that is no such key.
 */
export function ledgerKey(dir: string): LedgerKey {
  const path = join(dir, KEY_FILE)
  const there = readIfThere(path)
  const created = there === undefined && make(dir, path)
  const privateKey = keyOf(path, there ?? readFileSync(path, 'utf8'))
  const publicKey = createPublicKey(privateKey).export({ format: 'jwk' }).x ?? ''
  publish(dir, privateKey, publicKey)
  return { privateKey, publicKey, created }
}

/** The keys in `ledger.pub` of a folder, the newest last; none when it is not there. */
export function knownKeys(dir: string): readonly string[] {
  const pem = readIfThere(join(dir, PUBLIC_FILE))
  return pem === undefined ? [] : publicKeys(pem)
}

function make(dir: string, path: string): boolean {
  makePrivateFolder(dir)
  const { privateKey } = generateKeyPairSync('ed25519')
  const temporary = `${path}.${process.pid}.${performance.now()}.tmp`
  write(temporary, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 0o600)
  try {
    // Unlike a rename it leaves one alone that another process has just made.
    linkSync(temporary, path)
    return true
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') return false
    if (readIfThere(path) === undefined) renameSync(temporary, path)
    return true
  } finally {
    rmSync(temporary, { force: true })
  }
}

function publish(dir: string, privateKey: KeyObject, publicKey: string): void {
  const path = join(dir, PUBLIC_FILE)
  const before = readIfThere(path) ?? ''
  if (before !== '' && publicKeys(before).includes(publicKey)) return
  const pem = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString()
  const temporary = `${path}.${process.pid}.${performance.now()}.tmp`
  write(temporary, before + pem, 0o644)
  renameSync(temporary, path)
}

function write(path: string, text: string, mode: number): void {
  const fd = openSync(path, 'wx', mode)
  try {
    writeFileSync(fd, text)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function keyOf(path: string, pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem)
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch {
    // Told below: a message of OpenSSL helps nobody.
  }
  throw new SallyportError('config_invalid', `${path} is not an Ed25519 private key`, {
    hint: 'Put it back from a backup, or move it away: then a new one is made, and signs from then on.',
  })
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    if (codeOf(cause) !== 'ENOENT') throw cause
    return undefined
  }
}

function codeOf(cause: unknown): string | undefined {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
}

export const KEY_FILE = 'ledger.key'
export const PUBLIC_FILE = 'ledger.pub'
