import { createPrivateKey, X509Certificate } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../../config/schema.ts'
import type { Finding, SetUp } from './check.ts'

/** The files of the local authority: there, private, belonging together, valid for a while. */
export async function certificateFiles({ config }: SetUp): Promise<Finding> {
  const { dir, passphrase } = config.ca
  const [cert, key] = [join(dir, 'ca.pem'), join(dir, 'ca.key')]
  const missing = [cert, key].filter((file) => !existsSync(file))
  if (missing.length === 2) return { status: 'ok', message: `${dir}: the CA will be made on the first start` }
  if (missing.length === 1) return { status: 'fail', message: `${missing[0]} is missing`, hint: NEW_CA }
  const authority = certificateIn(cert)
  if (authority === undefined) return { status: 'fail', message: `${cert} is not a certificate`, hint: NEW_CA }
  return privateAndMatching(authority, key, passphrase) ?? stillValid(authority, dir)
}

/** A clock that is wrong makes every certificate wrong. */
export async function certificateClock({ config }: SetUp): Promise<Finding> {
  const now = new Date()
  const message = `this machine says ${now.toISOString()}`
  const hint = 'set the clock, for example with `timedatectl set-ntp true`'
  const authority = authorityOf(config)
  const earliest = Math.max(RELEASED, authority?.validFromDate.getTime() ?? 0)
  if (now.getTime() < earliest) return { status: 'fail', message: `${message}, which is in the past`, hint }
  return { status: 'ok', message }
}

function privateAndMatching(authority: X509Certificate, key: string, passphrase: string | null): Finding | undefined {
  if (process.platform !== 'win32' && (statSync(key).mode & 0o077) !== 0) {
    return { status: 'fail', message: `${key} can be read by other users`, hint: `chmod 600 ${key}` }
  }
  try {
    const read = createPrivateKey({ key: readFileSync(key), passphrase: passphrase ?? undefined })
    if (authority.checkPrivateKey(read)) return undefined
    return { status: 'fail', message: `${key} is not the key of ca.pem`, hint: NEW_CA }
  } catch {
    return { status: 'fail', message: `${key} cannot be read`, hint: 'look at its owner and at ca.passphrase' }
  }
}

function stillValid(authority: X509Certificate, dir: string): Finding {
  const days = Math.floor((authority.validToDate.getTime() - Date.now()) / MILLISECONDS_PER_DAY)
  const rotate = '`sallyport ca rotate` makes a new one'
  if (days < 0) return { status: 'fail', message: 'the CA has expired', hint: rotate }
  if (days < DAYS_LEFT) return { status: 'warn', message: `the CA expires in ${days} days`, hint: rotate }
  const bundle = join(dir, 'bundle.pem')
  if (!existsSync(bundle) || !readFileSync(bundle, 'latin1').includes(lastLineOf(authority))) {
    const message = `${bundle} is missing, or the CA is not in it`
    return { status: 'warn', message, hint: '`sallyport ca init` writes it again' }
  }
  return { status: 'ok', message: `the CA in ${dir} is valid for ${days} days` }
}

function authorityOf(config: Config): X509Certificate | undefined {
  const file = join(config.ca.dir, 'ca.pem')
  return existsSync(file) ? certificateIn(file) : undefined
}

function certificateIn(file: string): X509Certificate | undefined {
  try {
    return new X509Certificate(readFileSync(file))
  } catch {
    return undefined
  }
}

/** The end of the PEM text has the signature: no other certificate has the same. */
function lastLineOf(authority: X509Certificate): string {
  return authority.toString().trimEnd().split('\n').at(-2) ?? ''
}

const NEW_CA = '`sallyport ca init` makes a new CA'
const MILLISECONDS_PER_DAY = 86_400_000
const DAYS_LEFT = 30
// Before this program was written.
const RELEASED = Date.UTC(2025, 0, 1)
