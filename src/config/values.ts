import { isIP, isIPv4 } from 'node:net'
import { z } from 'zod'
import { noProxy } from '../lib/no-proxy.ts'

/** Where a door listens. An empty host is every interface; port 0 is any free port. */
export type Address = { readonly host: string; readonly port: number }

/** `host:port`, `:port` or `[v6]:port`; undefined when it is none of them. */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([^\]]*)\]|([^:[\]/\s]*)):(\d{1,5})$/.exec(text)
  if (match === null) return undefined
  const [, v6, name, digits] = match
  const port = Number(digits)
  if (port > 65_535) return undefined
  if (v6 !== undefined) return isIP(v6.split('%')[0] as string) === 6 ? { host: v6, port } : undefined
  return { host: (name as string).toLowerCase(), port }
}

/** The spelling that `parseAddress` reads. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Whether the text is a network such as `10.0.0.0/8`, or one address. */
export function isCidr(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  if (rest.length > 0 || isIP(address) === 0 || address.includes('%')) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (isIPv4(address) ? 32 : 128))
}

// What is known of a value beside its type goes into the schema as annotations: `writeOnly` marks a secret, `format: path` a file or folder.
export const secret = z.string().min(1, 'must not be empty').meta({ writeOnly: true })
export const path = z.string().min(1, 'must not be empty').meta({ format: 'path' })
export const name = z.string().min(1, 'must not be empty')

const address = z
  .string()
  .refine((text) => parseAddress(text) !== undefined, 'must be host:port, :port or [v6]:port, with a port up to 65535')
  .transform((text) => parseAddress(text) as Address)

/** One address or a list; always a list afterwards. An empty list keeps the door shut. */
export const addresses = z.union([address, z.array(address)]).transform((some): readonly Address[] => [some].flat())

/** `api.openai.com:443`: a host and a port that a client can ask for. */
export const authority = z
  .string()
  .refine((text) => {
    const parsed = parseAddress(text)
    return parsed !== undefined && parsed.host !== '' && parsed.port > 0
  }, 'must be host:port')
  .transform((text) => formatAddress(parseAddress(text) as Address))

export const cidr = z
  .string()
  .refine(isCidr, 'must be a network such as 10.0.0.0/8 or ::1/128')
  .transform((text) => (text.includes('/') ? text : `${text}/${isIPv4(text) ? 32 : 128}`))

/** An entry of a NO_PROXY-like list. */
export const exception = z
  .string()
  .refine(isException, 'must be a host, a suffix, an address or a network, each with :port if need be, or *')

/** Milliseconds; the ceiling is what a timer can hold. */
export const milliseconds = z.int().min(1).max(2_147_483_647)
export const count = z.int().min(1)
export const bytes = z.int().min(1)

/** An absolute URL of one of the schemes, kept as it was written. */
export function url(...schemes: readonly string[]) {
  return z
    .string()
    .refine((text) => isUrl(text, schemes), `must be a URL: ${schemes.map((s) => `${s}://…`).join(', ')}`)
}

function isException(text: string): boolean {
  try {
    noProxy([text])
    return true
  } catch {
    return false
  }
}

function isUrl(text: string, schemes: readonly string[]): boolean {
  // URL also reads `http:user:password@host`, in which nothing would be masked.
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^\s\\]+$/i.test(text) || !URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  return schemes.includes(protocol.slice(0, -1)) && hostname !== ''
}
