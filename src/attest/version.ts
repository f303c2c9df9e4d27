/**
 * Whether a program version is `least` or newer: up to four numbers with dots between, those left out count as 0. A pre-release (`1.4.0-rc.1`)
 * comes before its release; what follows a `+` does not count. What is not of this form is not new enough.
 */
export function isAtLeast(version: string, least: string): boolean {
  const ours = numbersOf(version)
  const theirs = numbersOf(least)
  if (ours === undefined || theirs === undefined) return false
  const at = ours.findIndex((number, i) => number !== theirs[i])
  return at === -1 || (ours[at] as number) > (theirs[at] as number)
}

/** Four numbers, and 0 for a pre-release or 1 for a release. */
function numbersOf(version: string): number[] | undefined {
  const match = /^(\d{1,9}(?:\.\d{1,9}){0,3})(-[^+]*)?(?:\+.*)?$/.exec(version)
  if (match === null) return undefined
  const given = (match[1] as string).split('.').map(Number)
  return [...given, ...Array.from({ length: 4 - given.length }, () => 0), match[2] === undefined ? 1 : 0]
}
