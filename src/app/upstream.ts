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
import { resuming } from '../upstream/secure.ts'
import type { Secure } from '../upstream/secure.ts'
import { upstream } from '../upstream/send.ts'
import type { Upstream } from '../upstream/send.ts'
import { upstreamTrust } from '../upstream/trust.ts'

type Own = (address: string, port: number) => boolean

/** The way out, from configuration: throws `config_invalid` for files that cannot be used. `isOwn` names our own listeners. */
export function wayOut(
  { upstream: settings }: Config,
  isOwn: Own,
  log: Log,
  opened?: (socket: Socket) => void,
): { readonly guard: Guard; readonly connector: Connector; readonly upstream: Upstream } {
  const secure = resuming(
    clientContexts({
      entries: settings.clientCerts,
      context: upstreamTrust(settings.ca),
      warn: (message) => log.warn({}, message),
    }),
  )
  const parent = settings.proxy === null ? undefined : parentOf(settings, settings.proxy, { isOwn, secure })
  const guard = addressGuard({
    resolve: fixedRoutes(settings.resolve),
    allowed: addressSet(settings.allowPrivate),
    lookupTimeoutMs: settings.connectTimeoutMs,
    ...(parent === undefined ? {} : { carried: parent.carried }),
  })
  const dials = connector({
    guard,
    secure,
    connectTimeoutMs: settings.connectTimeoutMs,
    isOwn,
    opened,
    ...(parent === undefined ? {} : { parent }),
  })
  return { guard, connector: dials, upstream: upstream(dials, settings, Date.now) }
}

/** The parent proxy with what it does not carry; its own address is the operator's word. */
function parentOf(settings: Config['upstream'], url: string, parts: { readonly isOwn: Own; readonly secure: Secure }) {
  const excepted = noProxy(settings.noProxy)
  const guard = addressGuard({
    resolve: fixedRoutes(settings.resolve),
    allowed: () => true,
    lookupTimeoutMs: settings.connectTimeoutMs,
  })
  return {
    ...parentProxy({ ...parts, at: parentAddress(url), guard }),
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
