/** Finds exact values in texts. */
export type KnownValues = {
  readonly find: (text: string) => { start: number; end: number }[]
  /** The index from which the text could be the beginning of a value. */
  readonly pendingFrom: (text: string) => number
}

/**
 * Looks for values that must not be stored anywhere else once they were found; undefined when there are none. Those shorter than
 * `shortest` are left out: they would be found in the midst of innocent words. Places that overlap come back as one.
 */
export function knownValues(values: Iterable<string>, shortest = 4): KnownValues | undefined {
  const kept = [...new Set(values)].filter((value) => value.length >= shortest)
  if (kept.length === 0) return undefined
  // Longest first, so that the first to fit at a place covers the others that begin there.
  kept.sort((a, b) => b.length - a.length)
  const byHead = new Map<string, string[]>()
  const firsts = new Uint8Array(65_536)
  for (const value of kept) {
    firsts[value.charCodeAt(0)] = 1
    const head = value.slice(0, shortest)
    const bucket = byHead.get(head)
    if (bucket === undefined) byHead.set(head, [value])
    else bucket.push(value)
  }
  const longest = kept[0]!.length
  return { find, pendingFrom }

  function find(text: string): { start: number; end: number }[] {
    const found: { start: number; end: number }[] = []
    const last = text.length - shortest
    for (let i = 0; i <= last; i++) {
      if (firsts[text.charCodeAt(i)] === 0) continue
      const value = byHead.get(text.slice(i, i + shortest))?.find((one) => text.startsWith(one, i))
      if (value === undefined) continue
      const before = found.at(-1)
      if (before !== undefined && i < before.end) before.end = Math.max(before.end, i + value.length)
      else found.push({ start: i, end: i + value.length })
    }
    return found
  }

  function pendingFrom(text: string): number {
    for (let i = Math.max(0, text.length - longest + 1); i < text.length; i++) {
      if (firsts[text.charCodeAt(i)] === 0) continue
      const rest = text.slice(i)
      if (kept.some((value) => value.length > rest.length && value.startsWith(rest))) return i
    }
    return text.length
  }
}
