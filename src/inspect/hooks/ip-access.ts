import { isIP } from 'node:net'
import { z } from 'zod'
import { SallyportError } from '../../core/errors.ts'
import { addressSet, plainAddress } from '../../lib/ip.ts'
import { defineHook } from '../hook.ts'

const Network = z.string().refine(isNetwork, { error: 'not an address or network' })

/** Finds `IP_ACCESS` for clients that `deny` names, and for those that a non-empty `allow` does not name. */
export const ipAccess = defineHook({
  name: 'ip-access',
  stages: ['connection', 'request'],
  asksTunnels: true,
  options: z
    .strictObject({ allow: z.array(Network).default([]), deny: z.array(Network).default([]) })
    .refine(({ allow, deny }) => allow.length + deny.length > 0, { error: 'name some networks in allow or deny' }),
  create: ({ allow, deny }) => {
    const allowed = addressSet(allow)
    const denied = addressSet(deny)
    const admits = (address: string): boolean => !denied(address) && (allow.length === 0 || allowed(address))
    return {
      textless: true,
      placeless: true,
      inspect: ({ facts }) => ({ findings: admits(known(facts.clientIp)) ? [] : [refused] }),
    }
  },
})

/** Without an address nothing can be said: the rule's `onError` decides. */
function known(clientIp: string | null): string {
  if (clientIp !== null && isIP(plainAddress(clientIp)) !== 0) return clientIp
  throw new SallyportError('hook_failed', 'the client address is not known')
}

function isNetwork(network: string): boolean {
  try {
    addressSet([network])
    return true
  } catch {
    return false
  }
}

const refused = {
  part: null,
  type: 'IP_ACCESS',
  rule: 'ip-access',
  start: 0,
  end: 0,
  confidence: 1,
  severity: 'high',
} as const
