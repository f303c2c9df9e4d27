import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { deviceLookup } from '../access/device-lookup.ts'
import { catalogueHosts } from '../app/catalogue.ts'
import { version } from '../app/version.ts'
import { authorityOf } from '../attest/authority.ts'
import { isDeviceId } from '../attest/device-id.ts'
import { headerOfForm } from '../attest/outcome.ts'
import type { Verdict } from '../attest/outcome.ts'
import { newJti, signToken } from '../attest/sign.ts'
import { MAX_LIFE_S } from '../attest/token.ts'
import { createVerifier } from '../attest/verify.ts'
import type { VerifierDevice } from '../attest/verify.ts'
import type { Config } from '../config/schema.ts'
import { defaultPolicyFile } from '../policy/default.ts'
import { policyFilesIn } from '../policy/files.ts'
import { loadPolicies, packFoldersFor } from '../policy/load.ts'
import { databasePath } from '../store/open.ts'
import { configOf, privateKeyIn, textOfInput } from './attest-flags.ts'
import type { Flags } from './attest-flags.ts'
import { UsageError } from './command.ts'
import type { Io } from './command.ts'
import { wholeNumber } from './flags.ts'
import { jsonLine, printJson, printLines } from './output.ts'

export type TokenFlags = Flags & { readonly audience: string; readonly authority: string }
export type SignFlags = TokenFlags & {
  readonly key: string
  readonly device: string
  readonly policy?: string
  readonly ttl: string
}

/** Prints a token for one CONNECT, and nothing else. */
export async function sign(flags: SignFlags, io: Io): Promise<void> {
  const life = wholeNumber(flags.ttl)
  if (life < 1 || life > MAX_LIFE_S) throw new UsageError(`--ttl must be 1 to ${MAX_LIFE_S} seconds`)
  if (!isDeviceId(flags.device)) throw new UsageError(`--device ${jsonLine(flags.device)} is no id of a device`)
  const authority = authorityOfFlag(flags.authority)
  const key = privateKeyIn(flags.key, io)
  const policy = flags.policy ?? (await digestInForce(configOf(flags, io)))
  const iat = Math.floor(Date.now() / 1_000)
  const claims = { iss: flags.device, aud: flags.audience, iat, exp: iat + life, jti: newJti(), authority, policy }
  const token = signToken({ claims: { ...claims, ver: version() }, key })
  await (flags.json === true ? printJson(io, { token, jti: claims.jti }) : printLines(io, [token]))
}

/** Says what the proxy would make of a token: with the devices of the data folder, and without spending it. */
export async function verify(text: string, flags: TokenFlags, io: Io): Promise<number> {
  const { data, attestation } = configOf(flags, io)
  const token = (text === '-' ? await textOfInput(text, io) : text).trim()
  const isNexus = token.startsWith('v1;')
  if (isNexus && !attestation.nexus) io.stderr.write('note: attestation.nexus is off: the proxy ignores this form\n')
  const verdict = await verdictOn(resolve(io.cwd, data.dir), {
    headers: [headerOfForm[isNexus ? 'nexus' : 'jws'], token],
    authority: authorityOfFlag(flags.authority),
    clientIp: '',
    terms: { ...attestation, audience: flags.audience, reinspect: 0, nexus: isNexus },
  })
  await (flags.json === true ? printJson(io, verdict) : printLines(io, described(verdict)))
  return verdict.outcome === 'valid' ? 0 : 1
}

async function verdictOn(
  dir: string,
  asked: Parameters<ReturnType<typeof createVerifier>['connect']>[0],
): Promise<Verdict> {
  const lookup = existsSync(databasePath(dir)) ? deviceLookup({ dir, now: Date.now }) : undefined
  let fault: unknown
  const verifier = createVerifier({
    deviceOf(id): VerifierDevice | undefined {
      try {
        return lookup?.deviceOf(id)
      } catch (thrown) {
        fault = thrown
        throw thrown
      }
    },
    spend: () => Promise.resolve('new'),
    seen: () => undefined,
    now: Date.now,
    random: () => 0,
  })
  const verdict = await verifier.connect(asked)
  lookup?.close()
  if (fault !== undefined) throw fault
  return verdict
}

function described({ outcome, device, jti, policy, version: ver }: Verdict): string[] {
  const facts = { outcome, device, jti, policy, version: ver }
  return Object.entries(facts).flatMap(([name, value]) => (value === null ? [] : [`${name.padEnd(8)} ${value}`]))
}

function authorityOfFlag(text: string): string {
  const [, host = '', port = ''] = /^(\[[0-9A-Fa-f:.]+\]|[^\s:/@[\]]+):(\d{1,5})$/.exec(text) ?? []
  if (host === '' || Number(port) < 1 || Number(port) > 65_535)
    throw new UsageError(`--authority ${jsonLine(text)} is no HOST:PORT`, 'Write api.openai.com:443.')
  return authorityOf(host, Number(port))
}

/** Of the policies in the folder; before the first start there are none, and the default is what will be. */
async function digestInForce({ policies: { dir } }: Config): Promise<string> {
  const own = await policyFilesIn(dir).catch(() => [])
  const files = own.length === 0 ? [defaultPolicyFile] : undefined
  const set = await loadPolicies({ dir, files, packFolders: packFoldersFor(dir), catalogue: catalogueHosts() })
  return set.digest
}
