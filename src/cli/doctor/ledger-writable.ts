import Database from 'better-sqlite3'
import type { Finding } from './check.ts'

/** Whether a row could be written to the ledger now; writes none. Undefined: it could. */
export function whyNotWritable(path: string, timeout = 2_000): Finding | undefined {
  let db: Database.Database | undefined
  try {
    db = new Database(path, { timeout, fileMustExist: true })
    db.exec('BEGIN IMMEDIATE')
    db.exec('ROLLBACK')
    return undefined
  } catch (thrown) {
    if (!(thrown instanceof Database.SqliteError)) throw thrown
    const held = thrown.code.startsWith('SQLITE_BUSY')
    return {
      status: 'fail',
      message: held ? `${path} is locked by another program` : `${path} cannot be written: ${thrown.message}`,
      hint: held
        ? '`lsof` on the file names who has it open'
        : 'look at owner and mode of the file and its folder, and at the disk',
    }
  } finally {
    db?.close()
  }
}
