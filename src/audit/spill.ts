import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { constants, createZstdCompress } from 'node:zlib'

export type Side = 'request' | 'response'

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
  // A window of 1 MiB bounds the memory of each stream; larger ones gain little on text.
  const params = { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_windowLog]: 20 }
  const compress = createZstdCompress({ params })
  let bytes = 0
  let failed = false

  const written = store()
  written.catch(() => {
    failed = true
    compress.destroy()
  })
  // Its errors end the pipeline; this one is for the time before there is one.
  compress.on('error', () => {})

  async function store(): Promise<void> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await pipeline(compress, createWriteStream(temporary, { flags: 'wx', mode: 0o600, flush: place.sync }))
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
      await rm(temporary, { force: true })
      throw cause
    }
    return { file, bytes, sha256: hash.digest('hex') }
  }

  async function discard(): Promise<void> {
    compress.destroy()
    await written.catch(() => {})
    await rm(temporary, { force: true })
  }

  return { write, finish, discard }
}

/** `bodies/YYYY/MM/DD/ID.request`, by the day (UTC) in which a UUIDv7 was made (RFC 9562, 5.7). */
export function spillName(id: string, side: Side): string {
  const time = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
  const day = new Date(time).toISOString().slice(0, 10).replaceAll('-', '/')
  return `bodies/${day}/${id}.${side}`
}
