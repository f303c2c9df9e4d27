import { tlsContext } from '../audit/sinks/tls-files.ts'
import { SallyportError } from '../core/errors.ts'
import type { LoadedConfig } from '../config/load.ts'
import type { ConfigProblem } from '../config/problems.ts'
import { serveTls } from '../tls/serve-tls.ts'
import { clientContexts } from '../upstream/client-certs.ts'
import { parentAddress } from '../upstream/parent-url.ts'
import { upstreamTrust } from '../upstream/trust.ts'
import { bodyKeys } from './body-keys.ts'
import { signingKey } from './signing.ts'

/** What `serve` would find wrong with the files, and the parent proxy, that a valid configuration names; `warnings` do not keep it from starting. */
export function namedFiles(
  { config, origins }: Pick<LoadedConfig, 'config' | 'origins'>,
  env: Readonly<Record<string, string | undefined>> = process.env,
): {
  readonly problems: readonly ConfigProblem[]
  readonly warnings: readonly string[]
} {
  const { proxy, upstream, attestation } = config
  const problems: ConfigProblem[] = []
  const warnings: string[] = []
  const warn = (message: string): void => void warnings.push(message)
  const attempt = (key: string, use: () => unknown): void => {
    try {
      use()
    } catch (cause) {
      if (!(cause instanceof SallyportError)) throw cause
      problems.push({
        at: origins.get(key) ?? { kind: 'default' },
        key,
        message: cause.message,
        hint: hints[key] ?? fileHint,
      })
    }
  }
  const { tls } = proxy
  if (tls !== null) {
    const clientCa = proxy.auth === 'mtls' ? tls.clientCa : null
    attempt('proxy.tls', () =>
      serveTls({ cert: tls.cert, key: tls.key, clientCa, setting: 'proxy.tls', now: Date.now, warn }),
    )
  }
  attempt('upstream.ca', () => upstreamTrust(upstream.ca))
  attempt('upstream.proxy', () => upstream.proxy === null || parentAddress(upstream.proxy))
  attempt('upstream.clientCerts', () =>
    clientContexts({ entries: upstream.clientCerts, context: upstreamTrust([]), warn }),
  )
  attempt('attestation.sign', () => attestation.sign === null || signingKey(attestation.sign, warn))
  attempt('audit.encryption', () => bodyKeys(config, warn, env))
  attempt('audit.export', () => sinkContexts(config))
  return { problems, warnings }
}

/** Reads the certificates and keys of the sinks. */
function sinkContexts({ audit }: LoadedConfig['config']): void {
  for (const sink of audit.export) {
    if (!('ca' in sink || 'clientCert' in sink)) continue
    try {
      tlsContext(sink)
    } catch (cause) {
      if (!(cause instanceof SallyportError)) throw cause
      throw new SallyportError('config_invalid', `audit.export: ${sink.name}: ${cause.message}`, { cause })
    }
  }
}

const fileHint = 'name PEM files that can be read; paths are relative to the folder of the configuration file'
const hints: Readonly<Record<string, string>> = {
  'attestation.sign': '`sallyport attest keygen --out FILE` makes a key; a device is 1 to 64 of A-Z a-z 0-9 . _ -',
  'upstream.proxy': 'http://user:password@host:port, user and password percent-encoded',
  'audit.encryption': 'a key is 32 bytes, in a file or an environment variable: `openssl rand -base64 32` makes one',
}
