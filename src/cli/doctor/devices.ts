import { existsSync } from 'node:fs'
import { readDevices } from '../../access/device-list.ts'
import { databasePath } from '../../store/open.ts'
import type { Finding, SetUp } from './check.ts'

/** Whether devices that attest will soon have to be renewed, or should have been. */
export async function devicesLast({ config }: SetUp, now: number = Date.now()): Promise<Finding> {
  const { dir } = config.data
  if (!existsSync(databasePath(dir))) return { status: 'ok', message: 'none is enrolled' }
  const devices = readDevices({ dir, at: new Date(now).toISOString() })
  const counted = devices.filter(({ state }) => state === 'active' || state === 'pending')
  const soon = new Date(now + SOON_MS).toISOString()
  // Those that ended long ago are not missed by anybody.
  const recently = new Date(now - SOON_MS).toISOString()
  const ending = devices.filter(({ state, expires }) => state !== 'revoked' && expires <= soon && expires > recently)
  if (ending.length === 0)
    return { status: 'ok', message: counted.length === 0 ? 'none is enrolled' : `${counted.length} enrolled` }
  const named = ending
    .slice(0, NAMED)
    .map(({ id, state, expires }) => `${id} (${state === 'expired' ? 'ended' : 'ends'} ${expires.slice(0, 10)})`)
  const more = ending.length > NAMED ? ` and ${ending.length - NAMED} more` : ''
  return {
    status: 'warn',
    message: `devices to be renewed: ${named.join(', ')}${more}`,
    hint: '`sallyport attest rotate ID --expires 90d` gives one another key, `attest enroll` brings one back that has ended',
  }
}

const SOON_MS = 14 * 86_400_000
const NAMED = 5
