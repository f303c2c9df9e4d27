import { readFileSync, statSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import type { SecureContext } from 'node:tls'
import { SallyportError } from '../core/errors.ts'
import { globMatcher } from '../lib/glob.ts'
import type { Identified } from './secure.ts'
import type { Identity } from './trust.ts'

export type ClientCert = { readonly hosts: readonly string[]; readonly cert: string; readonly key: string }

/**
 * Which context a host gets: that of the first entry that names it, with its certificate, or the common one. Files are read now, and
 * what is wrong with them throws `config_invalid`; contexts are made when first wanted, once per entry.
 */
export function clientContexts(options: {
  readonly entries: readonly ClientCert[]
  readonly context: (identity: Identity | undefined) => SecureContext
  readonly warn: (message: string) => void
}): (host: string) => Identified {
  const common = once(() => ({ id: '', context: options.context(undefined) }))
  const own = options.entries.map((entry, index) => {
    const identity = identityOf(entry, `upstream.clientCerts[${index}]`, options.warn)
    return {
      names: globMatcher(entry.hosts, { ignoreCase: true }),
      made: once(() => ({ id: String(index), context: options.context(identity) })),
    }
  })
  return (host) => (own.find(({ names }) => names(host))?.made ?? common)()
}

function identityOf(entry: ClientCert, at: string, warn: (message: string) => void): Identity {
  const identity = { cert: read(entry.cert, at), key: read(entry.key, at) }
  try {
    createSecureContext(identity)
  } catch (cause) {
    throw new SallyportError(
      'config_invalid',
      `${at}: ${entry.cert} and ${entry.key} are not a certificate and its key`,
      {
        cause,
      },
    )
  }
  if (process.platform !== 'win32' && (statSync(entry.key).mode & 0o077) !== 0) {
    warn(`${at}: others may read ${entry.key}; make it 0600`)
  }
  return identity
}

function read(file: string, at: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new SallyportError('config_invalid', `${at}: cannot read ${file}`, { cause })
  }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => (made ??= { value: make() }).value
}
