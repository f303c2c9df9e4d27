import type { Place } from '../core/text.ts'
import { spelled } from './spelling.ts'

/** Gives the name that a member gets instead, when another of its object has the one it would get; undefined when none has. */
export type Names = (place: Place, name: string) => string | undefined

/** For one body: two addresses that become the same mask must not become one member, of which a parser keeps the last. */
export function memberNames(body: string): Names {
  const taken = new Map<number, Set<string>>()
  return ({ object, spelling }, name) => {
    if (object === undefined) return undefined
    const names = taken.get(object.start) ?? beginnings(body.slice(object.start, object.end))
    taken.set(object.start, names)
    for (let count = 1; ; count++) {
      const candidate = count === 1 ? name : `${name} ${count}`
      const raw = spelled(candidate, spelling)
      if (names.has(raw)) continue
      names.add(raw)
      return count === 1 ? undefined : candidate
    }
  }
}

/** What stands behind each quotation mark: all names, and more. */
function beginnings(object: string): Set<string> {
  const found = new Set<string>()
  for (const [, name = ''] of object.matchAll(/"([^"\\]*)/g)) found.add(name)
  return found
}
