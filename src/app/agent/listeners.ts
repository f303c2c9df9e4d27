import { isIPv4, isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Config } from '../../config/schema.ts'
import { formatAddress } from '../../config/values.ts'
import { SallyportError } from '../../core/errors.ts'
import type { Address } from '../listen.ts'

/** Where redirected connections are sent, by family. */
export type Listeners = { readonly ipv4: Address | undefined; readonly ipv6: Address | undefined }

/**
 * The transparent listeners of the configuration, as this machine reaches them; those on loopback when it names none.
 * Rejects with config_invalid what the kernel cannot redirect to: a name, or whatever port is free.
 */
export function listenersOf({ proxy: { transparent } }: Pick<Config, 'proxy'>, hasIpv6 = loopbackHasIpv6()): Listeners {
  const wanted = transparent.length > 0 ? transparent : standard(hasIpv6)
  const unfit = wanted.find(({ host, port }) => port === 0 || (host !== '' && !isIPv4(host) && !isIPv6(host)))
  if (unfit !== undefined) {
    throw new SallyportError(
      'config_invalid',
      `proxy.transparent: nothing can be redirected to ${formatAddress(unfit)}`,
      {
        hint: 'Give an address and a port, such as 127.0.0.1:3129.',
      },
    )
  }
  // The empty host, and with it [::], is every address of both families.
  const every = wanted.find(({ host }) => host === '' || host === '::')
  const ipv4 = wanted.find(({ host }) => isIPv4(host)) ?? every
  const ipv6 = wanted.find(({ host }) => isIPv6(host)) ?? every
  return {
    ipv4: ipv4 && { host: isIPv4(ipv4.host) && ipv4.host !== '0.0.0.0' ? ipv4.host : '127.0.0.1', port: ipv4.port },
    ipv6: ipv6 && { host: isIPv6(ipv6.host) && ipv6.host !== '::' ? ipv6.host : '::1', port: ipv6.port },
  }
}

/** Tells the doors to listen there, whatever the configuration says by the time they start again. */
export function listenersVariable({ proxy }: Pick<Config, 'proxy'>, { ipv4, ipv6 }: Listeners): Record<string, string> {
  const standing = [ipv4, ipv6].filter((address) => address !== undefined)
  const addresses = proxy.transparent.length > 0 ? proxy.transparent : standing
  return { SALLYPORT_PROXY_TRANSPARENT: addresses.map(formatAddress).join(',') }
}

function standard(hasIpv6: boolean): readonly Address[] {
  const ipv4 = { host: '127.0.0.1', port: PORT }
  return hasIpv6 ? [ipv4, { host: '::1', port: PORT }] : [ipv4]
}

function loopbackHasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((some) => some?.some(({ address }) => address === '::1'))
}

const PORT = 3129
