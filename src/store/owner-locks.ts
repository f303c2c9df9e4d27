import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { takeLease } from './lease.ts'

/** Where the mark of life of an owner of rows lies: a file that it holds locked. */
export const ownersFolder = (dir: string): string => join(dir, 'owners')
export const ownerLock = (dir: string, id: number): string => join(ownersFolder(dir), String(id))

/** Whether somebody holds the mark of life of an owner. */
export function isAlive(dir: string, id: number): boolean {
  const path = ownerLock(dir, id)
  if (!existsSync(path)) return false
  const lock = takeLease(path)
  lock?.release()
  return lock === undefined
}
