import type { RawHeaders } from '../core/http.ts'

/** Fields as Node's HTTP/2 takes them: lower case, duplicates as lists. */
export function grouped(headers: RawHeaders): Record<string, string | string[]> {
  const out: Record<string, string | string[]> = Object.create(null)
  for (let i = 0; i < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase()
    const value = headers[i + 1] as string
    const before = out[name]
    if (before === undefined) out[name] = value
    else if (Array.isArray(before)) before.push(value)
    else out[name] = [before, value]
  }
  return out
}

/** The fields of a section as Node's HTTP/2 gives it, without the pseudo-header fields. */
export function withoutPseudo(raw: readonly string[]): string[] {
  const fields: string[] = []
  for (let i = 0; i < raw.length; i += 2) {
    if (!(raw[i] as string).startsWith(':')) fields.push(raw[i] as string, raw[i + 1] as string)
  }
  return fields
}
