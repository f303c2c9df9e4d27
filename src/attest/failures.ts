import { isIPv6 } from 'node:net'
import { addressBytes } from '../lib/address-bytes.ts'
import { plainAddress } from '../lib/ip.ts'
import { lru } from '../lib/lru.ts'

export type Failures = {
  /** Whether attestations from this address are looked at. */
  readonly admits: (clientIp: string) => boolean
  /** Counts one that failed. */
  readonly failed: (clientIp: string) => void
  /** Hears of one that was good. */
  readonly succeeded: (clientIp: string) => void
}

/**
 * A token bucket of failures for each client address (for IPv6, each /64), and one for all addresses from which nothing good has come yet, so
 * that many of them together cost no more than a few. 10,000 addresses are remembered, those of longest ago are forgotten.
 */
export function failureLimiter({ now }: { readonly now: () => number }): Failures {
  const buckets = lru<string, Bucket>({ max: MAX_ADDRESSES })
  const proven = lru<string, true>({ max: MAX_ADDRESSES })
  let strangers: Bucket | undefined
  const leftIn = (bucket: Bucket | undefined, { burst, perSecond }: Rate): number =>
    bucket === undefined ? burst : Math.min(burst, bucket.left + (Math.max(0, now() - bucket.at) / 1_000) * perSecond)
  const less = (bucket: Bucket | undefined, rate: Rate): Bucket => ({
    left: Math.max(0, leftIn(bucket, rate) - 1),
    at: now(),
  })
  return {
    admits(clientIp) {
      const network = networkOf(clientIp)
      if (leftIn(buckets.peek(network), EACH) < 1) return false
      return leftIn(strangers, STRANGERS) >= 1 || proven.peek(network) !== undefined
    },
    failed(clientIp) {
      const network = networkOf(clientIp)
      buckets.set(network, less(buckets.peek(network), EACH))
      if (proven.peek(network) === undefined) strangers = less(strangers, STRANGERS)
    },
    succeeded: (clientIp) => proven.set(networkOf(clientIp), true),
  }
}

/** What was left at a moment. */
type Bucket = { readonly left: number; readonly at: number }
type Rate = { readonly burst: number; readonly perSecond: number }

function networkOf(clientIp: string): string {
  const plain = plainAddress(clientIp)
  return isIPv6(plain) ? addressBytes(plain).toString('hex', 0, 8) : plain
}

const EACH: Rate = { burst: 100, perSecond: 10 }
const STRANGERS: Rate = { burst: 1_000, perSecond: 300 }
const MAX_ADDRESSES = 10_000
