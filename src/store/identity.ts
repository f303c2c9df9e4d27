import { statSync } from 'node:fs'

/** What tells a file from another one that takes its place under the same path; undefined when none is there. */
export function identityOf(path: string): string | undefined {
  const file = statSync(path, { bigint: true, throwIfNoEntry: false })
  return file === undefined ? undefined : `${file.dev}:${file.ino}`
}
