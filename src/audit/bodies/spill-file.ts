import { hash } from 'node:crypto'
import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { type BodyPlace, sealed, type SealKey, type Side, zstdParams } from './seal.ts'

export type { Side } from './seal.ts'

/** What goes into the file `name` of the data folder `dir`. `sync`: it must survive a loss of power. */
export type WholeSpill = {
  readonly dir: string
  readonly name: string
  readonly content: Uint8Array
  readonly sync: boolean
  /** Seals the file. */
  readonly key?: SealKey | undefined
  /** Folders of which this writer knows that they survive a loss of power; without it, it finds out for each file. */
  readonly synced?: Set<string>
}

/**
 * Writes a spill file, compressed, and gives the SHA-256 of its content; blocks. A file of the same name is replaced. Throws the cause
 * when the file cannot be written: what stood under the name before still does.
 */
export function writeSpill({ dir, name, content, sync, key, synced }: WholeSpill): string {
  const path = join(dir, name)
  const temporary = `${path}.tmp`
  const packed =
    key === undefined ? zstdCompressSync(content, { params: zstdParams }) : sealed(key, placeOf(name), content)
  refuseLinks(dir, name)
  if (sync && synced?.has(folderOf(name)) !== true) makeFolder(dir, name, sync)
  const fd = openAnew(temporary, () => makeFolder(dir, name, sync))
  try {
    try {
      writeFileSync(fd, packed)
      if (sync) fdatasyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(temporary, path)
  } catch (cause) {
    rmSync(temporary, { force: true })
    throw cause
  }
  if (sync) syncFolder(dirname(path))
  if (sync) remember(synced, folderOf(name))
  return hash('sha256', content, 'hex')
}

/** `bodies/YYYY/MM/DD/ID.request`, by the day (UTC) in which a UUIDv7 was made (RFC 9562, 5.7). */
export function spillName(id: string, side: Side): string {
  // A clock can be anywhere; a year has four digits here.
  const time = Math.min(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16), LAST_TIME)
  const day = new Date(time).toISOString().slice(0, 10).replaceAll('-', '/')
  return `bodies/${day}/${id}.${side}`
}

/** The folder of a spill file, as its name has it: `bodies/YYYY/MM/DD`. */
export const folderOf = (name: string): string => name.slice(0, name.lastIndexOf('/'))

/** The folders below `bodies` that lead to a spill file, the outermost first. `bodies` itself may be a link to a larger disk. */
export function foldersTo(name: string): string[] {
  const [root, ...steps] = folderOf(name).split('/')
  return steps.map((_, i) => [root, ...steps.slice(0, i + 1)].join('/'))
}

/** Whose body a spill file has, by its name. */
export function placeOf(name: string): BodyPlace {
  const [id = '', side] = basename(name).split('.')
  return { id, side: side === 'response' ? 'response' : 'request' }
}

/** What a link on the way to a file is answered with: it is not followed. */
export function linkError(folder: string): Error {
  return Object.assign(new Error(`${folder} is a link`), { code: 'ELOOP' })
}

/** Keeps the last few: a day has one folder. */
export function remember(synced: Set<string> | undefined, folder: string): void {
  if (synced === undefined || synced.has(folder)) return
  if (synced.size >= 8) synced.clear()
  synced.add(folder)
}

function refuseLinks(dir: string, name: string): void {
  for (const folder of foldersTo(name)) {
    const stats = lstatSync(join(dir, folder), { throwIfNoEntry: false })
    if (stats === undefined) return
    if (stats.isSymbolicLink()) throw linkError(folder)
  }
}

/** What a row says of a body without its file. */
export function notKept(side: Side, cause: unknown): string {
  return `${side} body not kept: ${codeOf(cause) ?? 'the file could not be written'}`
}

export function codeOf(cause: unknown): string | undefined {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
}

/** Makes the folder of a spill file; blocks. */
function makeFolder(dir: string, name: string, sync: boolean): void {
  mkdirSync(dirname(join(dir, name)), { recursive: true, mode: 0o700 })
  if (!sync) return
  // Also where another process made it: it may not have come to its own sync yet.
  for (const folder of foldersAbove(name)) syncFolder(join(dir, folder))
}

/** The folders that must be synced for the folder of a spill file to survive, the innermost first; the last is the data folder. */
export function foldersAbove(name: string): string[] {
  return [...foldersTo(name).slice(0, -1).toReversed(), 'bodies', '.']
}

// What is left under the name is of a thread that was killed.
function openAnew(path: string, makeFolder: () => void): number {
  for (let failures = 0; ; failures += 1) {
    try {
      return openSync(path, 'wx', 0o600)
    } catch (cause) {
      const code = codeOf(cause)
      if (failures === 2 || (code !== 'ENOENT' && code !== 'EEXIST')) throw cause
      if (code === 'ENOENT') makeFolder()
      else rmSync(path)
    }
  }
}

/** Makes renames in a folder survive a loss of power. */
function syncFolder(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

const LAST_TIME = Date.UTC(9999, 11, 31)
