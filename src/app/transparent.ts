import { lookup } from 'node:dns/promises'
import type { Socket } from 'node:net'
import type { Config } from '../config/schema.ts'
import { plainAddress } from '../lib/ip.ts'
import type { Log } from '../lib/log.ts'
import type { Destination } from '../proxy/conntrack.ts'
import { originalDestination } from '../proxy/original-destination.ts'
import { places } from '../proxy/places.ts'
import type { Transparent } from '../proxy/transparent.ts'
import { isLocal } from './own.ts'

/** What redirected connections need, and who is to be told of each connection that is opened; undefined where nothing listens for any. */
export function openTransparent(
  { proxy, upstream }: Config,
  log: Log,
): { readonly transparent: Transparent; readonly opened: (socket: Socket) => void } | undefined {
  if (proxy.transparent.length === 0) return undefined
  if (proxy.auth !== 'none')
    log.warn(
      { auth: proxy.auth },
      'redirected connections cannot say who they are: proxy.allowClients alone admits them',
    )
  const original = originalDestination()
  if (original.from === 'nowhere')
    log.warn(
      {},
      'the system does not tell where redirected connections were going: only names and the usual ports are known',
    )
  const dialled = new Map<string, Set<string>>()
  const transparent: Transparent = {
    original: original.ask,
    isLocal,
    places: places({ now: Date.now, keepMs: 3_600_000, maxNames: 10_000 }),
    resolve: (host) => resolved(host, upstream.connectTimeoutMs),
    isOwnDial(client, to) {
      const targets = dialled.get(textOf(client))
      // One port may be used for several targets at once, by several programs.
      return targets !== undefined && (to === undefined || targets.has(textOf(to)))
    },
  }
  const opened = (socket: Socket): void => {
    const { localAddress = '', localPort = 0, remoteAddress = '', remotePort = 0 } = socket
    const end = textOf({ address: localAddress, port: localPort })
    const target = textOf({ address: remoteAddress, port: remotePort })
    dialled.set(end, new Set(dialled.get(end)).add(target))
    socket.once('close', () => {
      const left = new Set(dialled.get(end))
      left.delete(target)
      if (left.size > 0) dialled.set(end, left)
      else dialled.delete(end)
    })
  }
  return { transparent, opened }
}

async function resolved(host: string, timeoutMs: number): Promise<readonly string[]> {
  const late = Promise.withResolvers<readonly string[]>()
  const timer = setTimeout(() => late.resolve([]), timeoutMs)
  const found = lookup(host, { all: true }).then(
    (some) => some.map(({ address }) => address),
    () => [],
  )
  return Promise.race([found, late.promise]).finally(() => clearTimeout(timer))
}

function textOf({ address, port }: Destination): string {
  return `${plainAddress(address)} ${port}`
}
