import { isUtf8 } from 'node:buffer'
import { hash } from 'node:crypto'
import { openSpill, type Side, type SpillWriter } from './spill.ts'

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
}

/** One body on its way into the ledger. `finish` or `discard` ends it. */
export type BodyKeeper = {
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
  const gathered = gatherer(options.inlineBytes)
  let spill: SpillWriter | undefined
  let bytes = 0
  let stored = 0

  function write(chunk: Uint8Array): Promise<void> | undefined {
    bytes += chunk.length
    const room = options.maxBytes - stored
    if (room <= 0) return undefined
    const kept = chunk.length > room ? chunk.subarray(0, room) : chunk
    stored += kept.length
    if (spill !== undefined) return spill.write(kept)
    if (stored <= options.inlineBytes) {
      gathered.add(kept)
      return undefined
    }
    startSpill()
    return spill!.write(kept)
  }

  function startSpill(): void {
    spill = openSpill({ dir: options.dir, id: options.id, side: options.side, sync: options.sync ?? false })
    // Less than the stream's own buffer or a little more: the wait comes with the next chunk.
    void spill.write(gathered.take())
  }

  async function finish(): Promise<KeptBody> {
    const truncated = bytes > stored
    if (spill === undefined) {
      const content = gathered.take()
      if (isText(content)) {
        const inline = content.toString('utf8')
        return { inline, spill: null, sha256: hash('sha256', content, 'hex'), bytes, truncated, error: null }
      }
      gathered.add(content)
      startSpill()
    }
    try {
      const { file, sha256 } = await spill!.finish()
      return { inline: null, spill: file, sha256, bytes, truncated, error: null }
    } catch (cause) {
      const error = `${options.side} body not kept: ${reasonOf(cause)}`
      return { inline: null, spill: null, sha256: null, bytes, truncated, error }
    }
  }

  return { write, finish, discard: async () => spill?.discard() }
}

/** For what is not stored: only the size is known. */
function countingKeeper(): BodyKeeper {
  let bytes = 0
  const write = (chunk: Uint8Array): undefined => {
    bytes += chunk.length
  }
  const finish = async (): Promise<KeptBody> => ({
    inline: null,
    spill: null,
    sha256: null,
    bytes,
    truncated: false,
    error: null,
  })
  return { write, finish, discard: async () => {} }
}

/** Chunks in one place: a single one as it is, more copied together, so that a small piece does not hold on to a large buffer. */
function gatherer(limit: number): { add: (chunk: Uint8Array) => void; take: () => Buffer } {
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

  return { add, take }
}

// SQLite's text functions end at a NUL.
const isText = (content: Buffer): boolean => isUtf8(content) && !content.includes(0)

function reasonOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'the file could not be written'
}

const EMPTY = Buffer.alloc(0)
