import type { Place } from '../core/text.ts'
import { spelled } from './spelling.ts'

/** Gives the name that a member gets instead, when another of its object has the one it would get; undefined when none has. */
export type Names = (place: Place, name: string) => string | undefined

/** For one body: two addresses that become the same mask must not become one member, of which a parser keeps the last. */
export function memberNames(body: string): Names {
  const objects = new Map<number, Taken>()
  return ({ object, spelling }, name) => {
    if (object === undefined) return undefined
    const taken = objects.get(object.start) ?? {
      names: beginnings(body.slice(object.start, object.end)),
      counts: new Map(),
    }
    objects.set(object.start, taken)
    for (let count = taken.counts.get(name) ?? 1; ; count++) {
      const candidate = count === 1 ? name : `${name} ${count}`
      const raw = spelled(candidate, spelling)
      if (taken.names.has(raw)) continue
      taken.names.add(raw)
      taken.counts.set(name, count + 1)
      return count === 1 ? undefined : candidate
    }
  }
}

/** Of one object: names in it, spelled, and the number to try next for a name. */
type Taken = { readonly names: Set<string>; readonly counts: Map<string, number> }

/** What stands behind each quotation mark: all names, and more. */
function beginnings(object: string): Set<string> {
  const found = new Set<string>()
  for (const [, name = ''] of object.matchAll(/"([^"\\]*)/g)) found.add(name)
  return found
}
