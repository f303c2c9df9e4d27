import { X509Certificate } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { SallyportError } from '../../core/errors.ts'
import { authorityOf } from '../../tls/authority.ts'
import type { Authority } from '../../tls/authority.ts'
import { caPaths } from '../../tls/ca.ts'
import type { Finding, SetUp } from './check.ts'

/** The files of the local authority: there, private, belonging together, valid for a while, in the bundle. Nothing is mended here. */
export async function certificateFiles({ config }: SetUp): Promise<Finding> {
  const { dir, passphrase } = config.ca
  const { certificatePath, keyPath, bundlePath } = caPaths(dir)
  const missing = [certificatePath, keyPath].filter((file) => !existsSync(file))
  if (missing.length === 2) return { status: 'ok', message: `the CA will be made in ${dir} on the first start` }
  if (missing.length === 1) {
    const hint = 'bring it back, or remove the other one too: `sallyport ca init` then makes a new CA'
    return { status: 'fail', message: `${missing[0]} is missing`, hint }
  }
  if (process.platform !== 'win32' && (statSync(keyPath).mode & 0o077) !== 0) {
    return { status: 'fail', message: `${keyPath} can be read by other users`, hint: `chmod 600 ${keyPath}` }
  }
  try {
    const files = {
      certificates: readFileSync(certificatePath, 'utf8'),
      key: readFileSync(keyPath, 'utf8'),
      passphrase,
      source: { certificate: certificatePath, key: keyPath },
    }
    return stillGood(authorityOf(files, Date.now()), dir, bundlePath)
  } catch (thrown) {
    if (!(thrown instanceof SallyportError)) throw thrown
    return { status: 'fail', message: thrown.message, hint: thrown.hint }
  }
}

/** A clock that is wrong makes every certificate wrong. */
export async function certificateClock({ config }: SetUp): Promise<Finding> {
  const now = new Date()
  const message = `this machine says ${now.toISOString()}`
  const earliest = Math.max(WRITTEN, madeAt(caPaths(config.ca.dir).certificatePath))
  if (now.getTime() >= earliest) return { status: 'ok', message }
  const hint = 'set the clock, for example with `timedatectl set-ntp true`'
  return { status: 'fail', message: `${message}, but it must be after ${new Date(earliest).toISOString()}`, hint }
}

function stillGood(authority: Authority, dir: string, bundlePath: string): Finding {
  const days = Math.floor((authority.notAfter - Date.now()) / MILLISECONDS_PER_DAY)
  if (!existsSync(bundlePath) || !readFileSync(bundlePath, 'utf8').includes(authority.certificatePem.trimEnd())) {
    const message = `${bundlePath} is missing, or the CA is not in it`
    return { status: 'warn', message, hint: '`sallyport ca init` and `sallyport serve` write it again' }
  }
  if (days < DAYS_LEFT) {
    return { status: 'warn', message: `the CA expires in ${days} days`, hint: '`sallyport ca rotate` makes a new one' }
  }
  return { status: 'ok', message: `the CA in ${dir} is valid for ${days} days` }
}

/** When the certificate began to be valid, 0 when there is none to ask. */
function madeAt(certificatePath: string): number {
  try {
    return new X509Certificate(readFileSync(certificatePath)).validFromDate.getTime()
  } catch {
    return 0
  }
}

const MILLISECONDS_PER_DAY = 86_400_000
const DAYS_LEFT = 30
// This program was written after it.
const WRITTEN = Date.UTC(2025, 0, 1)
