import { parseStrictJson } from '../lib/strict-json.ts'

/** The object that is the whole of some JSON, in which no name stands twice; undefined for anything else. */
export function jsonObjectIn(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value = parseStrictJson(bytes, MAX_DEPTH)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

const MAX_DEPTH = 8
