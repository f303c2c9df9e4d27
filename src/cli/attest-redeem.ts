import { resolve } from 'node:path'
import { z } from 'zod'
import { enrolmentCodeFrom, enrolmentRequest } from '../attest/enrolment.ts'
import { fault, invalid, privateKeyIn, textOfInput } from './attest-flags.ts'
import { UsageError } from './command.ts'
import type { Io } from './command.ts'
import { jsonLine, printJson, printLines } from './output.ts'

export type RedeemFlags = {
  readonly console: string
  readonly codeFile: string
  readonly key: string
  readonly json?: boolean
}

/** Enrols this device at a console with its code. Neither the code nor the key leaves it: what is sent proves both. */
export async function redeem(flags: RedeemFlags, io: Io): Promise<number> {
  const url = enrolmentUrl(flags.console)
  const code = enrolmentCodeFrom(await textOfInput(flags.codeFile, io))
  if (code === undefined)
    throw invalid(
      'this is no code',
      'The file has nothing but the code: the word behind `code` in what `attest enroll --code` printed.',
    )
  const key = privateKeyIn(flags.key, io)
  const answer = await asked(url, enrolmentRequest(code, key))
  if (answer.status !== 201) return refused(io, answer)
  const enrolled = answered.safeParse(parsed(answer.text))
  if (!enrolled.success || enrolled.data.device !== code.device)
    return fault(io, 'the answer is not one of Sallyport', 'is --console the address of its console?')
  const { device, expires, audience } = enrolled.data
  if (flags.json === true) {
    await printJson(io, enrolled.data)
    return 0
  }
  await printLines(io, [
    `device    ${device}`,
    `expires   ${expires}`,
    `audience  ${audience ?? '-'}`,
    'next: in the configuration of this device, beside upstream.proxy:',
    `  attestation: { sign: ${jsonLine({ key: resolve(io.cwd, flags.key), device, audience: audience ?? 'NAME' })} }`,
  ])
  return 0
}

function enrolmentUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new UsageError(`--console ${jsonLine(text)} is no URL`, 'Write http://sallyport.example:3000.')
  if (url.username !== '' || url.password !== '') throw new UsageError('--console must have no user and password')
  return new URL('enroll', `${url.origin}${url.pathname.replace(/\/*$/, '/')}`)
}

type Answer = { readonly status: number; readonly text: string }

async function asked(url: URL, body: string): Promise<Answer> {
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS)
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal })
    return { status: response.status, text: await beginning(response) }
  } catch (cause) {
    const { code } = ((cause as Error).cause ?? cause) as { code?: unknown }
    const why = typeof code === 'string' ? code : (cause as Error).name
    throw invalid(`${url.origin} cannot be reached: ${why}`, 'Look at the address, and at `console.listen` there.')
  }
}

/** Not more than a console would say. */
async function beginning(response: Response): Promise<string> {
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of response.body ?? []) {
    pieces.push(piece as Uint8Array)
    length += (piece as Uint8Array).length
    if (length > MOST_BYTES) break
  }
  return Buffer.concat(pieces).toString('utf8')
}

function refused(io: Io, { status, text }: Answer): number {
  const error = z.object({ error: z.string() }).safeParse(parsed(text))
  const known = error.success ? refusals.get(error.data.error) : undefined
  if (known !== undefined) return fault(io, ...known)
  return fault(io, `the console answered ${status}`, 'is --console the address of its console?')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const answered = z.object({
  device: z.string(),
  expires: z.iso.datetime(),
  policies: z.array(z.string()),
  overlap: z.string().nullable(),
  audience: z.string().nullable(),
})

const refusals: ReadonlyMap<string, readonly [message: string, hint: string]> = new Map([
  ['code_not_valid', ['the code is not valid', 'it was used, has ended, or is not whole: ask for another']],
  ['key_taken', ['the key is, or was, in use', 'make another with `sallyport attest keygen`; the code is still good']],
  ['rate_limited', ['too many attempts from this address', 'try again in a minute']],
  ['ledger_unavailable', ['the console cannot write just now', 'try again in a moment']],
])
const PATIENCE_MS = 30_000
const MOST_BYTES = 65_536
