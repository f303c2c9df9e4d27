import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { constants } from 'node:fs'
import { chmod, copyFile, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createFileAtomic, writeFileAtomic } from '../lib/atomic-file.ts'
import { integer, octets, sequence, boolean } from '../lib/der.ts'
import { type Authority, authorityOf, pemCertificates, unavailable } from './authority.ts'
import { pemOf } from './mint.ts'
import { nameConstraints, type Permitted, permittedFor } from './name-constraints.ts'
import { systemRoots } from './roots.ts'
import {
  distinguishedName,
  extension,
  keyIdOf,
  keyUsage,
  OID,
  publicKeyInfo,
  randomSerial,
  signedCertificate,
} from './x509.ts'

export type CaOptions = {
  readonly dir: string
  /** Encrypts the key at rest; null leaves it to the file's mode. */
  readonly passphrase: string | null
  /** Milliseconds since 1970. */
  readonly now: number
  /** Hears what was mended or should be: never fatal. */
  readonly warn?: (message: string) => void
}

export type NewCaOptions = CaOptions & {
  /** Globs of the hosts it must be able to vouch for, or no limit. */
  readonly permitted: readonly string[] | 'any'
  /** The machine's name, so that people recognise it in a list of roots. */
  readonly name: string
}

/** Opens the authority in `dir`, or makes it there; `created` says which. Also brings `bundle.pem` up to date. */
export async function ensureAuthority(options: NewCaOptions): Promise<{ authority: Authority; created: boolean }> {
  const known = await openAuthority(options)
  if (known === undefined) return { authority: await createAuthority(options), created: true }
  await writeBundle(options.dir, known)
  return { authority: known, created: false }
}

/**
 * Makes ca.pem, ca.key (0600, PKCS#8) and bundle.pem (system roots and the CA) in `dir`. Of processes that do so at once, one makes
 * the CA and all get it.
 */
export async function createAuthority(options: NewCaOptions): Promise<Authority> {
  const { certificatePath, keyPath } = caPaths(options.dir)
  await prepareFolder(options.dir)
  const made = newAuthority(options)
  if (await createFileAtomic(keyPath, made.key, 0o600)) await createFileAtomic(certificatePath, made.certificate, 0o644)
  const authority = await openAuthority(options)
  if (authority === undefined) throw unavailable(`the CA in ${options.dir} was removed while it was being made`)
  await writeBundle(options.dir, authority)
  return authority
}

/** The authority in `dir`; undefined when there is none. Throws `ca_unavailable` that says what is wrong with one that is there. */
export async function openAuthority(options: CaOptions): Promise<Authority | undefined> {
  for (let patience = 20; ; patience -= 1) {
    try {
      return await openNow(options)
    } catch (thrown) {
      // Another process may be between the two files right now: only what stays wrong is wrong.
      if (patience === 0 || !(await changedLately(options.dir))) throw thrown
      await sleep(100)
    }
  }
}

/** Makes a new authority in the place of the present one, whose certificate is kept as `ca.pem.DATE` and whose key is not. */
export async function rotateAuthority(options: NewCaOptions): Promise<Authority> {
  const { certificatePath, keyPath, lockPath } = caPaths(options.dir)
  await prepareFolder(options.dir)
  if (!(await createFileAtomic(lockPath, `${process.pid}\n`, 0o600))) {
    throw unavailable('another rotation is under way', `If none is, remove ${lockPath}.`)
  }
  try {
    await keepOld(certificatePath, options.now)
    const made = newAuthority(options)
    await writeFileAtomic(keyPath, made.key, 0o600)
    await writeFileAtomic(certificatePath, made.certificate, 0o644)
  } finally {
    await rm(lockPath, { force: true })
  }
  const authority = await openAuthority(options)
  if (authority === undefined) throw unavailable(`the CA in ${options.dir} was removed while it was being made`)
  await writeBundle(options.dir, authority)
  return authority
}

/** Writes bundle.pem: system roots, then what ca.pem holds. An unchanged one is left alone. */
export async function writeBundle(dir: string, authority: Authority): Promise<void> {
  const { bundlePath } = caPaths(dir)
  const own = authority.chainPem === '' ? authority.certificatePem : authority.chainPem
  const content = `${systemRoots({ except: bundlePath })}${own}`
  const present = await readFile(bundlePath, 'utf8').catch(() => '')
  if (present !== content) await writeFileAtomic(bundlePath, content, 0o644)
}

export function caPaths(dir: string): {
  certificatePath: string
  keyPath: string
  bundlePath: string
  lockPath: string
} {
  return {
    certificatePath: join(dir, 'ca.pem'),
    keyPath: join(dir, 'ca.key'),
    bundlePath: join(dir, 'bundle.pem'),
    lockPath: join(dir, 'ca.lock'),
  }
}

/** A self-signed P-256 root and its key, as PEM. */
function newAuthority(options: NewCaOptions): { certificate: string; key: string } {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const permitted = options.permitted === 'any' ? 'any' : permittedFor(options.permitted)
  const certificate = pemOf('CERTIFICATE', rootCertificate(privateKey, permitted, options))
  const encryption =
    options.passphrase === null ? {} : { cipher: 'aes-256-cbc' as const, passphrase: options.passphrase }
  return { certificate, key: privateKey.export({ type: 'pkcs8', format: 'pem', ...encryption }) as string }
}

function rootCertificate(key: KeyObject, permitted: Permitted, { name, now }: NewCaOptions): Buffer {
  const publicKey = publicKeyInfo(key)
  const keyId = keyIdOf(publicKey)
  const constraints = nameConstraints(permitted)
  const subject = distinguishedName({
    organization: 'Sallyport',
    unit: `key ${keyId.toString('hex', 0, 4)}`,
    commonName: `Sallyport CA ${name.slice(0, 40)} ${dateOf(now)}`,
  })
  return signedCertificate(
    {
      serial: randomSerial(),
      issuer: subject,
      subject,
      notBefore: now - DAY,
      notAfter: now + YEARS * 365 * DAY,
      publicKey,
      extensions: [
        extension(OID.basicConstraints, true, sequence(boolean(true), integer(0))),
        extension(OID.keyUsage, true, keyUsage(KEY_CERT_SIGN | CRL_SIGN)),
        extension(OID.subjectKeyId, false, octets(keyId)),
        ...(constraints === undefined ? [] : [extension(OID.nameConstraints, true, constraints)]),
      ],
    },
    key,
  )
}

async function openNow({ dir, passphrase, now, warn }: CaOptions): Promise<Authority | undefined> {
  const { certificatePath, keyPath } = caPaths(dir)
  const certificates = await readIfThere(certificatePath)
  const key = await readIfThere(keyPath)
  if (certificates === undefined && key === undefined) return undefined
  if (key === undefined) throw unavailable(`${keyPath} is missing beside its certificate`, MISSING)
  if (certificates === undefined) throw unavailable(`${certificatePath} is missing beside its key`, MISSING)
  await closeKeyFile(keyPath, warn)
  const source = { certificate: certificatePath, key: keyPath }
  const authority = authorityOf({ certificates, key, passphrase, source }, now)
  if (passphrase !== null && !key.includes('ENCRYPTED')) {
    warn?.(`${keyPath} is not encrypted although ca.passphrase is set: \`sallyport ca rotate\` makes one that is`)
  }
  return authority
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw unavailable(`${path} cannot be read (${code})`, 'Check its owner and mode.', cause)
  }
}

/** A key that others may read is closed to them; where that cannot be done, only its group may be left. */
async function closeKeyFile(keyPath: string, warn: CaOptions['warn']): Promise<void> {
  if (process.platform === 'win32') return
  const mode = (await stat(keyPath)).mode & 0o777
  if ((mode & 0o077) === 0) return
  try {
    await chmod(keyPath, 0o600)
    warn?.(`${keyPath} was open to others (mode 0${mode.toString(8)}) and has been closed`)
  } catch (cause) {
    if ((mode & 0o007) !== 0) throw unavailable(`${keyPath} is open to everyone`, `chmod 600 ${keyPath}`, cause)
    warn?.(`${keyPath} is open to its group (mode 0${mode.toString(8)})`)
  }
}

/** A folder made for the CA is closed to others; one that holds other things already is left as it is. */
async function prepareFolder(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const others = (await readdir(dir)).filter((name) => name !== 'README.md' && !name.startsWith('ca.'))
  if (others.length === 0 && process.platform !== 'win32') await chmod(dir, 0o700).catch(() => undefined)
}

async function changedLately(dir: string): Promise<boolean> {
  const { certificatePath, keyPath } = caPaths(dir)
  const times = await Promise.all(
    [certificatePath, keyPath].map((path) =>
      stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      ),
    ),
  )
  return Date.now() - Math.max(...times) < 2_000
}

async function keepOld(certificatePath: string, now: number): Promise<void> {
  if (pemCertificates((await readIfThere(certificatePath)) ?? '').length === 0) return
  for (let count = 1; ; count += 1) {
    const kept = `${certificatePath}.${dateOf(now)}${count === 1 ? '' : `.${count}`}`
    try {
      return await copyFile(certificatePath, kept, constants.COPYFILE_EXCL)
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    }
  }
}

function dateOf(now: number): string {
  return new Date(now).toISOString().slice(0, 10)
}

const DAY = 86_400_000
const YEARS = 5
const KEY_CERT_SIGN = 0x04
const CRL_SIGN = 0x02
const MISSING = 'Put it back, or make a new CA with `sallyport ca rotate`.'
