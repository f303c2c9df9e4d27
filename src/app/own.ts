import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { plainAddress } from '../lib/ip.ts'
import type { Address } from './listen.ts'

/** Whether an address and port are one of our listeners: dialling them would loop. */
export function isOwnAddress(own: readonly Address[], address: string, port: number): boolean {
  const dialled = plainAddress(address)
  // To dial the unspecified address is to dial this host.
  const plain = dialled === '0.0.0.0' ? '127.0.0.1' : dialled === '::' ? '::1' : dialled
  return own.some(
    (listener) =>
      listener.port === port &&
      (plainAddress(listener.host) === plain || (isWildcard(listener.host) && isLocal(plain))),
  )
}

/** Whether a listener's host means every address of this machine. */
export function isWildcard(host: string): boolean {
  return host === '' || host === '0.0.0.0' || host === '::'
}

/** Whether an address in its usual spelling is one of this machine. */
export function isLocal(address: string): boolean {
  if (isIP(address) === 0) return false
  if (address.startsWith('127.') || address === '::1') return true
  return Object.values(networkInterfaces()).some((some) => some?.some((one) => plainAddress(one.address) === address))
}
