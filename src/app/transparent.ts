import type { Socket } from 'node:net'
import type { Config } from '../config/schema.ts'
import { plainAddress } from '../lib/ip.ts'
import type { Log } from '../lib/log.ts'
import { originalDestination } from '../proxy/original-destination.ts'
import type { Transparent } from '../proxy/transparent.ts'
import { isLocal } from './own.ts'

/** What redirected connections need, and who is to be told of each connection that is opened; undefined where nothing listens for any. */
export function openTransparent(
  { proxy }: Config,
  log: Log,
): { readonly transparent: Transparent; readonly opened: (socket: Socket) => void } | undefined {
  if (proxy.transparent.length === 0) return undefined
  if (proxy.auth !== 'none')
    log.warn(
      { auth: proxy.auth },
      'redirected connections cannot say who they are: proxy.allowClients alone admits them',
    )
  const dialled = new Set<string>()
  const transparent: Transparent = {
    original: originalDestination(),
    isLocal,
    isOwnDial: (address, port) => dialled.has(`${address} ${port}`),
  }
  const opened = (socket: Socket): void => {
    const end = `${plainAddress(socket.localAddress ?? '')} ${socket.localPort}`
    dialled.add(end)
    socket.once('close', () => dialled.delete(end))
  }
  return { transparent, opened }
}
