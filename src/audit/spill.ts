import { createHash } from 'node:crypto'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createZstdCompress } from 'node:zlib'
import { codeOf, makeFolder, type Side, spillName, zstdParams } from './spill-file.ts'

/** A body on its way to a file of its own, compressed with zstd. */
export type SpillWriter = {
  /** Takes a chunk, which is not changed after; a promise when the disk is behind: wait for it before the next. Never rejects. */
  readonly write: (chunk: Uint8Array) => Promise<void> | undefined
  /** The file stands under its name when this resolves. Rejects with the cause when it could not be written; nothing stays then. */
  readonly finish: () => Promise<Spilled>
  readonly discard: () => Promise<void>
}

/** `file` is relative to the data folder; `bytes` and `sha256` are of the content, before compression. */
export type Spilled = { readonly file: string; readonly bytes: number; readonly sha256: string }

export type SpillPlace = {
  /** The data folder. */
  readonly dir: string
  /** The exchange's id, a UUIDv7: its time names the day. */
  readonly id: string
  readonly side: Side
  /** Whether the file must survive a loss of power. */
  readonly sync: boolean
}

export function openSpill(place: SpillPlace): SpillWriter {
  const file = spillName(place.id, place.side)
  const path = join(place.dir, file)
  const temporary = `${path}.tmp`
  const hash = createHash('sha256')
  const compress = createZstdCompress({ params: zstdParams })
  let bytes = 0
  let failed = false
  let ours = false

  const written = store()
  written.catch(() => {
    failed = true
    compress.destroy()
  })
  // Its errors end the reading; this one is for the time before there is a reader.
  compress.on('error', () => {})

  async function store(): Promise<void> {
    const handle = await openAnew(temporary, () => makeFolder(place.dir, file, place.sync))
    ours = true
    try {
      for await (const piece of compress) await handle.writeFile(piece as Buffer)
      if (place.sync) await handle.datasync()
    } finally {
      await handle.close()
    }
  }

  function write(chunk: Uint8Array): Promise<void> | undefined {
    if (failed) return undefined
    hash.update(chunk)
    bytes += chunk.length
    return compress.write(chunk) ? undefined : roomOr(written)
  }

  async function roomOr(end: Promise<void>): Promise<void> {
    const room = Promise.withResolvers<void>()
    compress.once('drain', room.resolve)
    await Promise.race([room.promise, end]).catch(() => {})
    compress.off('drain', room.resolve)
  }

  async function finish(): Promise<Spilled> {
    compress.end()
    try {
      await written
      await rename(temporary, path)
    } catch (cause) {
      await removeOurs()
      throw cause
    }
    if (place.sync) await syncFolder(dirname(path))
    return { file, bytes, sha256: hash.digest('hex') }
  }

  async function discard(): Promise<void> {
    compress.destroy()
    await written.catch(() => {})
    await removeOurs()
  }

  async function removeOurs(): Promise<void> {
    if (ours) await rm(temporary, { force: true })
  }

  return { write, finish, discard }
}

async function openAnew(path: string, makeFolder: () => void): Promise<FileHandle> {
  try {
    return await open(path, 'wx', 0o600)
  } catch (cause) {
    if (codeOf(cause) !== 'ENOENT') throw cause
    makeFolder()
    return open(path, 'wx', 0o600)
  }
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
