/** How a target is written in an attestation: `host:port`, an IPv6 address in brackets, letters lower case, no dot at the end. */
export function authorityOf(host: string, port: number): string {
  const bare = host.toLowerCase().replace(/\.$/, '')
  return bare.includes(':') && !bare.startsWith('[') ? `[${bare}]:${port}` : `${bare}:${port}`
}

/** Whether two spellings name the same target. */
export function isSameAuthority(a: string, b: string): boolean {
  return canonical(a) === canonical(b)
}

function canonical(authority: string): string {
  const colon = authority.lastIndexOf(':')
  const host = authority.slice(0, Math.max(colon, 0)).toLowerCase().replace(/\.$/, '')
  return `${host}:${authority.slice(colon + 1)}`
}
