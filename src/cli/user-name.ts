import { userInfo } from 'node:os'

/** Who runs the command, for the events of the ledger. A container may have no name for its user. */
export function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
