import { hash } from 'node:crypto'
import { closeSync, fdatasyncSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { constants, zstdCompressSync } from 'node:zlib'

export type Side = 'request' | 'response'

/** A window of 1 MiB bounds the memory of each stream; larger ones gain little on text. */
export const zstdParams = { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_windowLog]: 20 }

/** What goes into the file `name` of the data folder `dir`. `sync`: it must survive a loss of power. */
export type WholeSpill = {
  readonly dir: string
  readonly name: string
  readonly content: Uint8Array
  readonly sync: boolean
}

/**
 * Writes a spill file, compressed, and gives the SHA-256 of its content; blocks. A file of the same name is replaced. Throws the cause
 * when the file cannot be written: what stood under the name before still does.
 */
export function writeSpill({ dir, name, content, sync }: WholeSpill): string {
  const path = join(dir, name)
  const temporary = `${path}.tmp`
  const packed = zstdCompressSync(content, { params: zstdParams })
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
  return hash('sha256', content, 'hex')
}

/** `bodies/YYYY/MM/DD/ID.request`, by the day (UTC) in which a UUIDv7 was made (RFC 9562, 5.7). */
export function spillName(id: string, side: Side): string {
  const time = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
  const day = new Date(time).toISOString().slice(0, 10).replaceAll('-', '/')
  return `bodies/${day}/${id}.${side}`
}

/** What a row says of a body without its file. */
export function notKept(side: Side, cause: unknown): string {
  return `${side} body not kept: ${codeOf(cause) ?? 'the file could not be written'}`
}

export function codeOf(cause: unknown): string | undefined {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
}

/** Makes the folder of a spill file; blocks, but only for the first file of a day. */
export function makeFolder(dir: string, name: string, sync: boolean): void {
  const made = mkdirSync(dirname(join(dir, name)), { recursive: true, mode: 0o700 })
  if (!sync || made === undefined) return
  for (let above = dirname(dirname(name)); ; above = dirname(above)) {
    syncFolder(join(dir, above))
    if (above === '.') return
  }
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
export function syncFolder(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
