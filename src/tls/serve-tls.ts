import { createHash, createPrivateKey, hkdfSync, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { createSecureContext, type SecureContext } from 'node:tls'
import { SallyportError } from '../core/errors.ts'
import { pemCertificates } from './authority.ts'

/** What a door needs to speak TLS itself. */
export type ServeTls = {
  /** For a connection that begins now: made once, and anew each day for the sake of its ticket keys. */
  readonly context: () => SecureContext
  /** Whether clients are asked for a certificate; one that shows none, or a wrong one, is connected all the same. */
  readonly asksClients: boolean
}

export type ServeTlsOptions = {
  /** PEM files. The certificate's chain follows it in its file. */
  readonly cert: string
  readonly key: string
  /** Authorities of client certificates; null: clients are not asked. */
  readonly clientCa: readonly string[] | null
  /** The setting that holds the files, for what is said of them. */
  readonly setting: string
  readonly now: () => number
  readonly warn: (message: string) => void
}

/** Reads the files, once. Throws `config_invalid` that says what is wrong with which. */
export function serveTls({ setting, now, warn, ...files }: ServeTlsOptions): ServeTls {
  const cert = certificatesIn(files.cert, `${setting}.cert`)
  const [leaf] = cert.parsed
  const keyPem = textOf(files.key, `${setting}.key`)
  const key = keyIn(keyPem, files.key, `${setting}.key`)
  if (!leaf.checkPrivateKey(key)) throw invalid(`${setting}.key`, files.key, `is not the key of ${files.cert}`)
  if (Date.parse(leaf.validTo) <= now()) warn(`${setting}.cert: ${files.cert} has expired`)
  const mode = statSync(files.key).mode & 0o777
  if ((mode & 0o077) !== 0) {
    warn(`${setting}.key: ${files.key} can be read by others (mode 0${mode.toString(8)}): make it 0600`)
  }
  const clientCa = files.clientCa?.map((file) => certificatesIn(file, `${setting}.clientCa`).text)
  const about = createHash('sha256')
    .update(JSON.stringify([leaf.fingerprint256, clientCa ?? null]))
    .digest('hex')
  const contextOf = (day: number): SecureContext =>
    createSecureContext({
      cert: cert.text,
      key: keyPem,
      ...(clientCa === undefined ? {} : { ca: clientCa }),
      minVersion: 'TLSv1.2',
      ticketKeys: ticketKeysOf(key, day),
      // A session is worth nothing where another certificate is shown or other clients are let in.
      sessionIdContext: about.slice(0, 32),
      sessionTimeout: sessionSeconds,
    })
  let today = { day: dayOf(now()), context: contextOf(dayOf(now())) }
  return {
    asksClients: clientCa !== undefined,
    context() {
      const day = dayOf(now())
      if (day !== today.day) today = { day, context: contextOf(day) }
      return today.context
    },
  }
}

/** Derived, not drawn: all processes that hold the key resume each other's sessions. */
function ticketKeysOf(key: KeyObject, day: number): Buffer {
  const secret = key.export({ type: 'pkcs8', format: 'der' })
  return Buffer.from(hkdfSync('sha256', secret, '', `sallyport door tickets ${day}`, 48))
}

function certificatesIn(
  file: string,
  setting: string,
): { readonly text: string; readonly parsed: readonly [X509Certificate, ...X509Certificate[]] } {
  const blocks = pemCertificates(textOf(file, setting))
  if (blocks.length === 0) throw invalid(setting, file, 'has no certificate in PEM')
  try {
    const parsed = blocks.map((pem) => new X509Certificate(pem)) as [X509Certificate, ...X509Certificate[]]
    return { text: blocks.join(''), parsed }
  } catch (cause) {
    throw invalid(setting, file, 'has a certificate that cannot be read', cause)
  }
}

/** No cause is kept: what the parser says of a key need not be logged. */
function keyIn(pem: string, file: string, setting: string): KeyObject {
  if (pem.includes('ENCRYPTED')) throw invalid(setting, file, 'is encrypted: give the key in the clear, mode 0600')
  try {
    return createPrivateKey(pem)
  } catch {
    throw invalid(setting, file, 'is not a private key in PEM')
  }
}

function textOf(file: string, setting: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw invalid(setting, file, `cannot be read (${(cause as NodeJS.ErrnoException).code})`, cause)
  }
}

function invalid(setting: string, file: string, what: string, cause?: unknown): SallyportError {
  return new SallyportError('config_invalid', `${setting}: ${file} ${what}`, { cause })
}

function dayOf(at: number): number {
  return Math.floor(at / 86_400_000)
}

const sessionSeconds = 7_200
