/** Where requests of one kind go; connections are shared among them. */
export type Origin = { readonly scheme: 'http' | 'https'; readonly host: string; readonly port: number }

export function keyOf(origin: Origin): string {
  return `${origin.scheme}://${origin.host}:${origin.port}`
}

/** A host as it stands in an authority (RFC 3986, 3.2.2). */
export function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
