import { isIPv6 } from 'node:net'
import { addressBytes } from '../lib/address-bytes.ts'
import { plainAddress } from '../lib/ip.ts'
import { lru } from '../lib/lru.ts'

export type Failures = {
  /** Whether attestations from this address are looked at. */
  readonly admits: (clientIp: string) => boolean
  /** Counts one that failed. */
  readonly failed: (clientIp: string) => void
}

/**
 * A token bucket of failures for each client address (for IPv6, each /64): a burst of 100, then 10 a second. 10,000 addresses are
 * remembered, those that failed longest ago are forgotten.
 */
export function failureLimiter({ now }: { readonly now: () => number }): Failures {
  const buckets = lru<string, Bucket>({ max: MAX_ADDRESSES })
  const leftIn = (bucket: Bucket): number =>
    Math.min(BURST, bucket.left + (Math.max(0, now() - bucket.at) / 1_000) * PER_SECOND)
  return {
    admits(clientIp) {
      if (buckets.size() === 0) return true
      const bucket = buckets.peek(networkOf(clientIp))
      return bucket === undefined || leftIn(bucket) >= 1
    },
    failed(clientIp) {
      const network = networkOf(clientIp)
      const bucket = buckets.peek(network)
      const left = bucket === undefined ? BURST : leftIn(bucket)
      buckets.set(network, { left: Math.max(0, left - 1), at: now() })
    },
  }
}

type Bucket = { readonly left: number; readonly at: number }

function networkOf(clientIp: string): string {
  const plain = plainAddress(clientIp)
  return isIPv6(plain) ? addressBytes(plain).toString('hex', 0, 8) : plain
}

const BURST = 100
const PER_SECOND = 10
const MAX_ADDRESSES = 10_000
