import { createHash } from 'node:crypto'
import { type FileHandle, lstat, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createZstdCompress } from 'node:zlib'
import { type SealKey, sealer, type Side, zstdParams } from './seal.ts'
import { codeOf, folderOf, foldersAbove, foldersTo, linkError, remember, spillName } from './spill-file.ts'

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
  /** Seals the file. */
  readonly key?: SealKey | undefined
  /** Folders that are known to survive a loss of power. */
  readonly synced?: Set<string> | undefined
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
    const handle = await openAnew(temporary, place, file)
    ours = true
    const seal = place.key && sealer(place.key, place)
    try {
      if (seal) await handle.writeFile(seal.head)
      for await (const piece of compress)
        await handle.writeFile(seal ? seal.update(piece as Buffer) : (piece as Buffer))
      if (seal) await handle.writeFile(seal.final())
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
    if (place.sync) {
      await syncFolder(dirname(path))
      remember(place.synced, folderOf(file))
    }
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

async function openAnew(path: string, place: SpillPlace, file: string): Promise<FileHandle> {
  await refuseLinks(place.dir, file)
  if (place.sync && place.synced?.has(folderOf(file)) !== true) await makeFolder(place, file)
  try {
    return await open(path, 'wx', 0o600)
  } catch (cause) {
    if (codeOf(cause) !== 'ENOENT') throw cause
    await makeFolder(place, file)
    return open(path, 'wx', 0o600)
  }
}

async function refuseLinks(dir: string, file: string): Promise<void> {
  for (const folder of foldersTo(file)) {
    try {
      if ((await lstat(join(dir, folder))).isSymbolicLink()) throw linkError(folder)
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') return
      throw cause
    }
  }
}

async function makeFolder({ dir, sync }: SpillPlace, file: string): Promise<void> {
  await mkdir(join(dir, folderOf(file)), { recursive: true, mode: 0o700 })
  if (sync) for (const folder of foldersAbove(file)) await syncFolder(join(dir, folder))
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
