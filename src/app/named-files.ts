import { SallyportError } from '../core/errors.ts'
import type { LoadedConfig } from '../config/load.ts'
import type { ConfigProblem } from '../config/problems.ts'
import { serveTls } from '../tls/serve-tls.ts'
import { clientContexts } from '../upstream/client-certs.ts'
import { parentAddress } from '../upstream/parent-url.ts'
import { upstreamTrust } from '../upstream/trust.ts'

/** What `serve` would find wrong with the files, and the parent proxy, that a valid configuration names; `warnings` do not keep it from starting. */
export function namedFiles({ config, origins }: Pick<LoadedConfig, 'config' | 'origins'>): {
  readonly problems: readonly ConfigProblem[]
  readonly warnings: readonly string[]
} {
  const { proxy, upstream } = config
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
        hint: key === 'upstream.proxy' ? urlHint : fileHint,
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
  return { problems, warnings }
}

const fileHint = 'name PEM files that can be read; paths are relative to the folder of the configuration file'
const urlHint = 'http://user:password@host:port, user and password percent-encoded'
