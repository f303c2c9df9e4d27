import { constants } from 'node:fs'
import { type FileHandle, lstat, open } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { constants as zlib, createZstdDecompress } from 'node:zlib'
import { type BodyPlace, keyFor, MAX_HEAD_BYTES, readSealHead, type SealKey, TAG_BYTES, unsealer } from './seal.ts'
import { codeOf, foldersTo, spillName } from './spill-file.ts'

/** Why a stored body cannot be given out. `altered`: it is not, or not all of, what the ledger wrote. */
export type Why = 'missing' | 'refused' | 'altered' | 'no-key' | 'too-large'

export class Unreadable extends Error {
  readonly why: Why

  constructor(why: Why, reason: string) {
    super(reason)
    this.why = why
  }
}

/** A file of a body, open. */
export type SpillFile = {
  /**
   * The content from its beginning, in pieces. It is only worth something when it comes to its end: throws `Unreadable` when the file
   * was cut, damaged or sealed by a key that is not there.
   */
  readonly pieces: () => AsyncGenerator<Uint8Array>
  readonly close: () => Promise<void>
}

export type SpillSource = {
  /** The data folder. */
  readonly dir: string
  /** As the row has it. */
  readonly name: string
  readonly place: BodyPlace
  /** The id of the key that sealed it, as the row says; null: it is not sealed. */
  readonly sealedBy: string | null
  readonly keys: readonly SealKey[]
}

/** Opens the file that a row names. Throws `Unreadable`; what is outside the folder of the bodies is never opened. */
export async function openSpillFile(source: SpillSource): Promise<SpillFile> {
  const { id, side } = source.place
  // Another name hides the file of a row that may be without one.
  if (SPILL_NAME.test(source.name) && source.name !== spillName(id, side))
    throw new Unreadable('altered', 'the name in the row is not that of its body')
  const file = await openInside(source.dir, source.name)
  try {
    const stats = await file.stat()
    if (!stats.isFile()) throw new Unreadable('refused', `${source.name} is not a file`)
    const { size } = stats
    return { pieces: () => decompressed(source, framePieces(file, size, source)), close: () => file.close() }
  } catch (cause) {
    await file.close()
    throw cause
  }
}

// Rows are ours, but a database may have been handed over, and links may have been put where files are.
async function openInside(dir: string, name: string): Promise<FileHandle> {
  if (!SPILL_NAME.test(name)) throw new Unreadable('refused', 'the name in the row is not that of a file of a body')
  try {
    for (const folder of foldersTo(name)) {
      if ((await lstat(join(dir, folder))).isSymbolicLink()) throw new Unreadable('refused', `${folder} is a link`)
    }
    return await open(join(dir, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (cause) {
    if (cause instanceof Unreadable) throw cause
    const code = codeOf(cause)
    if (code === 'ENOENT') throw new Unreadable('missing', `${name} is not there`)
    throw new Unreadable('refused', `${name} cannot be opened: ${code ?? 'unknown'}`)
  }
}

/** The zstd frame in a file. */
async function* framePieces(file: FileHandle, size: number, source: SpillSource): AsyncGenerator<Buffer> {
  if (source.sealedBy === null) return yield* bytesOf(file, 0, size)
  const start = await take(file, 0, Math.min(size, MAX_HEAD_BYTES))
  const head = readSealHead(start)
  if (head === undefined || size < head.bytes.length + TAG_BYTES) throw altered(source.name)
  const key = keyFor(head, source.keys)
  // The row is covered by the chain; a head that names another key is not the one that was written.
  if ('kind' in key) throw key.keyId === source.sealedBy ? noKey(key) : altered(source.name)
  const opening = unsealer(head, key, source.place, await take(file, size - TAG_BYTES, TAG_BYTES))
  for await (const piece of bytesOf(file, head.bytes.length, size - TAG_BYTES)) yield opening.update(piece)
  try {
    opening.final()
  } catch {
    throw altered(source.name)
  }
}

async function* decompressed(source: SpillSource, frame: AsyncGenerator<Buffer>): AsyncGenerator<Uint8Array> {
  const out = createZstdDecompress({ params: { [zlib.ZSTD_d_windowLogMax]: MOST_WINDOW_LOG } })
  let taken = 0
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const piece of frame) {
      taken += piece.length
      yield piece
    }
  }
  const fed = pipeline(counted, out)
  fed.catch(() => {})
  try {
    yield* out as AsyncIterable<Uint8Array>
    await fed
    // What stands behind the frame is read and ignored.
    if (out.bytesWritten !== taken) throw altered(source.name)
  } catch (cause) {
    if (cause instanceof Unreadable) throw cause
    if (codeOf(cause)?.startsWith('E') === true) throw new Unreadable('refused', `${source.name}: ${codeOf(cause)}`)
    throw altered(source.name)
  } finally {
    out.destroy()
    await fed.catch(() => {})
  }
}

async function* bytesOf(file: FileHandle, from: number, to: number): AsyncGenerator<Buffer> {
  for (let at = from; at < to; at += PIECE_BYTES) yield take(file, at, Math.min(PIECE_BYTES, to - at))
}

/** So many bytes, or `altered`: the file was longer when it was opened. */
async function take(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length)
  for (let have = 0; have < length;) {
    const { bytesRead } = await file.read(bytes, have, length - have, at + have)
    if (bytesRead === 0) throw new Unreadable('altered', 'the file has become shorter')
    have += bytesRead
  }
  return bytes
}

export function noKey({ keyId, other }: { readonly keyId: string; readonly other: boolean }): Unreadable {
  const reason = other
    ? `the key ${JSON.stringify(keyId)} in audit.encryption is another than the one that sealed it`
    : `it is sealed by the key ${JSON.stringify(keyId)}, which is not in audit.encryption`
  return new Unreadable('no-key', reason)
}

const altered = (name: string): Unreadable => new Unreadable('altered', `${name} is cut or damaged`)

const SPILL_NAME = /^bodies\/\d{4}\/\d\d\/\d\d\/[0-9a-f-]{36}\.(?:request|response)$/
const PIECE_BYTES = 65_536
// What the ledger writes needs 20.
const MOST_WINDOW_LOG = 23
