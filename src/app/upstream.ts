import type { Socket } from 'node:net'
import type { Config } from '../config/schema.ts'
import { addressSet } from '../lib/ip.ts'
import type { Log } from '../lib/log.ts'
import { noProxy } from '../lib/no-proxy.ts'
import { parseAuthority } from '../proxy/target.ts'
import { clientContexts } from '../upstream/client-certs.ts'
import { connector } from '../upstream/connect.ts'
import type { Connector } from '../upstream/connect.ts'
import { addressGuard } from '../upstream/guard.ts'
import type { Guard } from '../upstream/guard.ts'
import { parentProxy } from '../upstream/parent.ts'
import { parentAddress } from '../upstream/parent-url.ts'
import { perPolicy } from '../upstream/per-policy.ts'
import { resuming } from '../upstream/secure.ts'
import type { Secure } from '../upstream/secure.ts'
import { upstream } from '../upstream/send.ts'
import type { Upstream } from '../upstream/send.ts'
import type { Stamp, StampAbout } from '../upstream/stamps.ts'
import { upstreamTrust } from '../upstream/trust.ts'
import { signing } from './signing.ts'
import type { Sign } from './signing.ts'

type Own = (address: string, port: number) => boolean

export type WayOut = {
  readonly guard: Guard
  /** Signs with the policy set in force, where it signs. */
  readonly connector: Connector
  readonly upstream: Upstream
  /** Another policy set may be in force: connections that are signed with another one carry nothing new. */
  readonly policyChanged: () => void
}

export type WayOutParts = {
  /** Names our own listeners. */
  readonly isOwn: Own
  readonly log: Log
  /** Digest of the policy set in force. */
  readonly policy: () => string
  readonly stamp: (about: StampAbout) => Stamp
  readonly opened?: (socket: Socket) => void
  /** Our id among proxies. */
  readonly hop?: string | undefined
}

/** The way out, from configuration: throws `config_invalid` for files that cannot be used. */
export function wayOut(config: Config, { isOwn, log, policy, stamp, opened, hop }: WayOutParts): WayOut {
  const { upstream: settings } = config
  const secure = resuming(
    clientContexts({
      entries: settings.clientCerts,
      context: upstreamTrust(settings.ca),
      warn: (message) => log.warn({}, message),
    }),
  )
  const parent = settings.proxy === null ? undefined : parentOf(settings, settings.proxy, { isOwn, secure, hop })
  const guard = addressGuard({
    resolve: fixedRoutes(settings.resolve),
    allowed: addressSet(settings.allowPrivate),
    lookupTimeoutMs: settings.connectTimeoutMs,
    ...(parent === undefined ? {} : { carried: parent.carried }),
  })
  const { connectTimeoutMs } = settings
  const dials = (sign?: Sign): Connector =>
    connector({
      guard,
      secure,
      connectTimeoutMs,
      isOwn,
      opened,
      ...(parent === undefined ? {} : { parent: { carried: parent.carried, ...parent.signed(sign) } }),
    })
  const signs = signing(config, stamp, (message) => log.warn({}, message))
  if (signs === undefined) {
    const connect = dials()
    return {
      guard,
      connector: connect,
      upstream: upstream(connect, settings, Date.now),
      policyChanged: () => undefined,
    }
  }
  const out = perPolicy((digest) => upstream(dials(signs(digest)), settings, Date.now), policy)
  return { guard, connector: dials((to) => signs(policy())(to)), upstream: out, policyChanged: out.changed }
}

/** The parent proxy with what it does not carry; its own address is the operator's word. */
function parentOf(
  settings: Config['upstream'],
  url: string,
  parts: { readonly isOwn: Own; readonly secure: Secure; readonly hop: string | undefined },
) {
  const excepted = noProxy(settings.noProxy)
  const guard = addressGuard({
    resolve: fixedRoutes(settings.resolve),
    allowed: () => true,
    lookupTimeoutMs: settings.connectTimeoutMs,
  })
  const at = parentAddress(url)
  return {
    signed: (sign: Sign | undefined) => parentProxy({ ...parts, at, guard, ...(sign === undefined ? {} : { sign }) }),
    carried: (host: string, port: number): boolean => !excepted(host, port),
  }
}

/** `upstream.resolve`, each name in the one spelling by which it will be asked for. */
function fixedRoutes(resolve: Config['upstream']['resolve']): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(resolve).map(([name, address]) => {
      const target = parseAuthority(name)
      return [target === undefined ? name : `${target.host}:${target.port}`, address]
    }),
  )
}
