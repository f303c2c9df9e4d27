import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Device } from '../access/device.ts'
import { readDevices } from '../access/device-list.ts'
import { deviceSettings } from '../access/device-settings.ts'
import type { DeviceSettings } from '../access/device-settings.ts'
import type { Devices, Ended, Enrolled, NewCode } from '../access/devices.ts'
import { newEnrolmentCode } from '../attest/enrolment.ts'
import { databasePath } from '../store/open.ts'
import { configOf, fault, futureOf, periodOf, publicKeyOfFlag, withDevices } from './attest-flags.ts'
import type { Flags } from './attest-flags.ts'
import { UsageError } from './command.ts'
import type { Io } from './command.ts'
import { jsonLine, printJson, printLines, printTable } from './output.ts'

/** A key, or a code with which the device brings one. */
export type KeyFlags = Flags & { readonly publicKey?: string; readonly code?: boolean; readonly codeValid?: string }
export type EnrollFlags = KeyFlags & {
  readonly device: string
  readonly owner?: string
  readonly expires: string
  readonly notBefore?: string
  readonly policies?: string
}
export type RotateFlags = KeyFlags & { readonly expires?: string; readonly overlap?: string }

export async function enroll(flags: EnrollFlags, io: Io): Promise<number> {
  const settings = settingsOf(flags)
  if (configOf(flags, io).attestation.audience === null)
    io.stderr.write('note: attestation.audience is not set: until it is, no attestation is accepted\n')
  if (isCode(flags)) {
    if (flags.notBefore !== undefined) throw new UsageError('--not-before does not go with --code')
    return giveCode(flags, io, settings.id, settings.expires, (code) => ({ ...code, settings }))
  }
  const key = publicKeyOfFlag(flags.publicKey ?? '', io)
  return printEnrolled(
    flags,
    io,
    withDevices(flags, io, (devices) => devices.enroll(settings, key)),
  )
}

export async function rotate(id: string, flags: RotateFlags, io: Io): Promise<number> {
  const expires = flags.expires === undefined ? undefined : futureOf('expires', flags.expires)
  if (isCode(flags)) {
    if (flags.overlap !== undefined)
      throw new UsageError('--overlap does not go with --code', 'With a code the old key is good for a day more.')
    return giveCode(flags, io, id, expires, (code) => ({ ...code, renews: { id, expires } }))
  }
  const overlapMs = flags.overlap === undefined ? 0 : periodOf('overlap', flags.overlap)
  const key = publicKeyOfFlag(flags.publicKey ?? '', io)
  return printEnrolled(
    flags,
    io,
    withDevices(flags, io, (devices) => devices.rotate(id, key, { overlapMs, expires })),
  )
}

export async function list(flags: Flags, io: Io): Promise<void> {
  const dir = resolve(io.cwd, configOf(flags, io).data.dir)
  // Looking makes nothing.
  const devices = existsSync(databasePath(dir)) ? readDevices({ dir, at: new Date().toISOString() }) : []
  if (flags.json === true) return printJson(io, ...devices)
  await printTable(
    io,
    [
      { title: 'device', of: ({ id }) => id },
      { title: 'owner', of: ({ owner }) => owner },
      { title: 'state', of: ({ state }) => state },
      { title: 'expires', of: ({ expires }) => expires },
      { title: 'old key until', of: ({ overlap }) => overlap },
      { title: 'policies', of: ({ policies }) => (policies.length === 0 ? null : policies.join(',')) },
      { title: 'last seen', of: ({ lastSeen }) => lastSeen },
    ],
    devices,
  )
}

export async function revoke(id: string, flags: Flags, io: Io): Promise<number> {
  const outcome = withDevices(flags, io, (devices) => devices.revoke(id))
  if (outcome.kind === 'none') return notFound(io)
  const { device } = outcome
  const revoked = device?.revoked ?? null
  if (flags.json === true) await printJson(io, { id, state: device?.state ?? null, revoked })
  else await printLines(io, [device === null ? `the code for ${id} has ended` : `${id} is revoked`])
  return 0
}

async function giveCode(
  flags: KeyFlags,
  io: Io,
  device: string,
  expires: string | undefined,
  wish: (code: { readonly key: Uint8Array; readonly until: string }) => NewCode,
): Promise<number> {
  const until = futureOf('code-valid', flags.codeValid ?? CODE_VALID)
  if (expires !== undefined && expires <= until)
    throw new UsageError('--expires must be after the end of the code', 'Give a later one, or a shorter --code-valid.')
  const { code, publicKey } = newEnrolmentCode(device)
  const outcome = withDevices(flags, io, (devices: Devices) => devices.makeCode(wish({ key: publicKey, until })))
  if (outcome.kind !== 'made') return printEnrolled(flags, io, outcome)
  if (flags.json === true) await printJson(io, { device, code, until })
  else
    await printLines(io, [
      `device  ${device}`,
      `code    ${code}`,
      `until   ${until}`,
      'The code is not shown again. At the device, with the code in a file:',
      '  sallyport attest keygen --out device.pem',
      '  sallyport attest redeem --console URL --code-file FILE --key device.pem',
    ])
  return 0
}

async function printEnrolled(flags: Flags, io: Io, outcome: Enrolled | Ended): Promise<number> {
  if (outcome.kind === 'none') return notFound(io)
  if (outcome.kind === 'taken')
    return fault(io, 'a device of this id is enrolled', 'give it another key with `attest rotate`, or revoke it first')
  if (outcome.kind === 'key-taken')
    return fault(io, 'the key is, or was, in use', 'make another with `sallyport attest keygen`')
  if (outcome.kind === 'ended')
    return fault(io, `the device is ${outcome.device.state}`, 'enrol it anew with `attest enroll`')
  if (flags.json === true) await printJson(io, outcome.device)
  else await printLines(io, described(outcome.device))
  return 0
}

function described({ id, owner, publicKey, notBefore, expires, policies, overlap }: Device): string[] {
  return [
    `device      ${id}`,
    `owner       ${owner ?? '-'}`,
    `public key  ${publicKey}`,
    `not before  ${notBefore}`,
    `expires     ${expires}`,
    `policies    ${policies.length === 0 ? 'those that the proxy accepts' : policies.join(', ')}`,
    ...(overlap === null ? [] : [`old key     until ${overlap}`]),
  ]
}

function settingsOf(flags: EnrollFlags): DeviceSettings {
  const now = new Date().toISOString()
  const parsed = deviceSettings.safeParse({
    id: flags.device,
    owner: flags.owner ?? null,
    policies: flags.policies === undefined ? [] : flags.policies.split(',').map((one) => one.trim()),
    notBefore: flags.notBefore === undefined ? now : futureOf('not-before', flags.notBefore),
    expires: futureOf('expires', flags.expires),
  })
  if (parsed.success) return parsed.data
  const [first] = parsed.error.issues
  const flag = first?.path[0] === 'id' ? 'device' : String(first?.path[0])
  throw new UsageError(`--${flag} ${first?.message ?? 'is not valid'}`)
}

/** Whether a code is wished, and not a key. Throws UsageError where both are, or neither. */
function isCode({ publicKey, code, codeValid }: KeyFlags): boolean {
  if ((publicKey !== undefined) === (code === true))
    throw new UsageError('give either --public-key or --code', 'With --code the device brings its key itself.')
  if (codeValid !== undefined && code !== true)
    throw new UsageError(`--code-valid ${jsonLine(codeValid)} goes with --code only`)
  return code === true
}

function notFound(io: Io): number {
  return fault(io, 'no device has this id', '`sallyport attest list` lists ids')
}

const CODE_VALID = '24h'
