import { isUtf8 } from 'node:buffer'
import { hash } from 'node:crypto'
import type { SealKey, Side } from './seal.ts'
import { notKept, spillName } from './spill-file.ts'
import { openSpill, type SpillWriter } from './spill.ts'

export type BodyKeeperOptions = {
  /** `audit.bodies`. What `store: redacted` must not keep is replaced before it comes here. */
  readonly capture: boolean
  readonly store: 'redacted' | 'full' | 'none'
  readonly inlineBytes: number
  readonly maxBytes: number
  /** The data folder. */
  readonly dir: string
  /** The exchange's id. */
  readonly id: string
  readonly side: Side
  /** Whether a spill file must survive a loss of power. */
  readonly sync?: boolean
  /** Seals the file that is written here; what is inline is sealed with the row. */
  readonly key?: SealKey | undefined
  /** Folders that are known to survive a loss of power. */
  readonly synced?: Set<string>
}

/** One body on its way into the ledger: `whole` takes all of it; or it comes with `write`, and `finish` or `discard` ends it. */
export type BodyKeeper = {
  /** A body that is at hand and not changed after. Writes nothing: what `content` holds goes to the recorder with the row. */
  readonly whole: (bytes: Uint8Array) => KeptBody
  /** Takes a chunk, which is not changed after; a promise when the disk is behind: wait for it before the next. Never throws. */
  readonly write: (chunk: Uint8Array) => Promise<void> | undefined
  /** Never rejects: what could not be kept is told in `error`. */
  readonly finish: () => Promise<KeptBody>
  readonly discard: () => Promise<void>
}

/** Fits the columns of an exchange. `inline` is text; what is not, or is too long, is in the file `spill`. */
export type KeptBody = {
  readonly inline: string | null
  /** Relative to the data folder. */
  readonly spill: string | null
  /** What the recorder is to write to the file `spill`; its `sha256` is found then. */
  readonly content?: Uint8Array
  /** Of the stored content. */
  readonly sha256: string | null
  /** All that came, stored or not. */
  readonly bytes: number
  /** More came than `maxBytes`: the stored content is the beginning. */
  readonly truncated: boolean
  /** Why the body is not stored although it should be. */
  readonly error: string | null
}

/** Keeps a body in memory up to `inlineBytes`, and in a spill file from there on. */
export function bodyKeeper(options: BodyKeeperOptions): BodyKeeper {
  if (!options.capture || options.store === 'none') return countingKeeper()
  const gathered = gatherer(Math.max(options.inlineBytes, PIECE_BYTES))
  const { dir, id, side, key, synced } = options
  const place = { dir, id, side, sync: options.sync ?? false, key, synced }
  let spill: SpillWriter | undefined
  let bytes = 0
  let stored = 0

  function whole(content: Uint8Array): KeptBody {
    const kept = content.length > options.maxBytes ? content.subarray(0, options.maxBytes) : content
    const size = { bytes: content.length, truncated: content.length > kept.length, error: null }
    const inline = kept.length > options.inlineBytes ? undefined : inlined(kept)
    if (inline !== undefined) return { ...inline, ...size }
    return { inline: null, spill: spillName(id, side), sha256: null, content: alone(kept), ...size }
  }

  function write(chunk: Uint8Array): Promise<void> | undefined {
    bytes += chunk.length
    const room = options.maxBytes - stored
    if (room <= 0) return undefined
    const kept = chunk.length > room ? chunk.subarray(0, room) : chunk
    stored += kept.length
    gathered.add(kept)
    if (stored <= options.inlineBytes) return undefined
    spill ??= openSpill(place)
    // Each piece costs a trip to another thread.
    return gathered.size() < PIECE_BYTES ? undefined : spill.write(gathered.take())
  }

  async function finish(): Promise<KeptBody> {
    const size = { bytes, truncated: bytes > stored }
    const rest = gathered.take()
    const inline = spill === undefined ? inlined(rest) : undefined
    if (inline !== undefined) return { ...inline, ...size, error: null }
    spill ??= openSpill(place)
    if (rest.length > 0) void spill.write(rest)
    try {
      const { file, sha256 } = await spill.finish()
      return { inline: null, spill: file, sha256, ...size, error: null }
    } catch (cause) {
      return { inline: null, spill: null, sha256: null, ...size, error: notKept(side, cause) }
    }
  }

  return { whole, write, finish, discard: async () => spill?.discard() }
}

/** For what is not stored: only the size is known. */
function countingKeeper(): BodyKeeper {
  let bytes = 0
  const write = (chunk: Uint8Array): undefined => {
    bytes += chunk.length
  }
  const counted = (size: number): KeptBody => ({
    inline: null,
    spill: null,
    sha256: null,
    bytes: size,
    truncated: false,
    error: null,
  })
  return { whole: ({ length }) => counted(length), write, finish: async () => counted(bytes), discard: async () => {} }
}

/** Chunks in one place: a single one as it is, more copied together, so that a small piece does not hold on to a large buffer. */
function gatherer(limit: number): { add: (chunk: Uint8Array) => void; size: () => number; take: () => Buffer } {
  let held: Buffer = EMPTY
  let used = 0

  function add(chunk: Uint8Array): void {
    if (used === 0) {
      held = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
      used = chunk.length
      return
    }
    const needed = used + chunk.length
    // A first chunk is not ours to write in: its length is its capacity.
    if (needed > held.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(limit, 2 * held.length)))
      held.copy(larger, 0, 0, used)
      held = larger
    }
    held.set(chunk, used)
    used = needed
  }

  function take(): Buffer {
    const content = held.subarray(0, used)
    held = EMPTY
    used = 0
    return content
  }

  return { add, size: () => used, take }
}

type Inlined = { readonly inline: string; readonly spill: null; readonly sha256: string }

function inlined(content: Uint8Array): Inlined | undefined {
  // SQLite's text functions end at a NUL.
  if (!isUtf8(content) || content.includes(0)) return undefined
  const { buffer, byteOffset, byteLength } = content
  const inline = Buffer.from(buffer, byteOffset, byteLength).toString('utf8')
  return { inline, spill: null, sha256: hash('sha256', content, 'hex') }
}

// With a part of a larger buffer all of that would be held, and cloned to the other thread.
function alone(content: Uint8Array): Uint8Array {
  return content.byteLength === content.buffer.byteLength ? content : new Uint8Array(content)
}

const EMPTY = Buffer.alloc(0)
const PIECE_BYTES = 65_536
