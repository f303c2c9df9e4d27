import { createHash, hash } from 'node:crypto'
import type { Value } from '../rows.ts'
import { type SealKey, type Side, unsealed } from './seal.ts'
import { noKey, openSpillFile, type SpillFile, Unreadable, type Why } from './spill-stream.ts'

/** Of a row of `exchanges` as it is stored, these columns: `contentColumns`. */
export type ContentRow = Readonly<Record<string, Value>>

/** `none`: the ledger holds no content for this side. `unreadable`: it should, and `reason` says why it is not given out. */
export type Content =
  | { readonly kind: 'none' }
  | { readonly kind: 'content'; readonly bytes: Buffer }
  | { readonly kind: 'unreadable'; readonly why: Why; readonly reason: string }

export type Checked =
  | { readonly kind: 'none' }
  | { readonly kind: 'intact'; readonly bytes: number }
  | { readonly kind: 'unreadable'; readonly why: Why; readonly reason: string }

/**
 * Stored bodies, from their rows or files, opened with the configured keys. All that is given out was first compared with the SHA-256 in
 * the row; files are read in pieces, in flat memory but for `read`.
 */
export type ContentReader = {
  /** The whole; `too-large` when it is more than `maxBytes`. */
  readonly read: (row: ContentRow, side: Side, maxBytes?: number) => Promise<Content>
  /** Reads all of it and gives out nothing. */
  readonly check: (row: ContentRow, side: Side) => Promise<Checked>
  /** Checked first, then given out in pieces; nothing when there is none. Throws `Unreadable`. */
  readonly pieces: (row: ContentRow, side: Side) => AsyncGenerator<Uint8Array>
}

/** `keys`: those of `audit.encryption`, the first that sealed the newest rows or any other. */
export function contentReader(options: { readonly dir: string; readonly keys: readonly SealKey[] }): ContentReader {
  async function read(row: ContentRow, side: Side, maxBytes = DEFAULT_MAX_BYTES): Promise<Content> {
    const gathered: Uint8Array[] = []
    let length = 0
    const take = (piece: Uint8Array): void => {
      length += piece.length
      if (length > maxBytes) throw new Unreadable('too-large', `it has more than ${maxBytes} bytes`)
      gathered.push(piece)
    }
    const checked = await orUnreadable(() => passed(row, side, take))
    return checked.kind === 'intact' ? { kind: 'content', bytes: Buffer.concat(gathered) } : checked
  }

  const check = (row: ContentRow, side: Side): Promise<Checked> => orUnreadable(() => passed(row, side, () => {}))

  async function passed(row: ContentRow, side: Side, to: (piece: Uint8Array) => void): Promise<Checked> {
    const stored = storedIn(row, side)
    if (stored === undefined) return { kind: 'none' }
    if (stored.kind === 'inline') {
      const content = inlineContent(row, side, stored.text, options.keys)
      to(content)
      return { kind: 'intact', bytes: content.length }
    }
    await using file = await opened(row, side, stored.name)
    return { kind: 'intact', bytes: await passFile(file, row[`${side}_sha256`], to) }
  }

  async function* pieces(row: ContentRow, side: Side): AsyncGenerator<Uint8Array> {
    const stored = storedIn(row, side)
    if (stored === undefined) return
    if (stored.kind === 'inline') return yield inlineContent(row, side, stored.text, options.keys)
    await using file = await opened(row, side, stored.name)
    await passFile(file, row[`${side}_sha256`], () => {})
    yield* file.pieces()
  }

  async function opened(row: ContentRow, side: Side, name: string): Promise<SpillFile & AsyncDisposable> {
    const place = { id: String(row['id']), side }
    const file = await openSpillFile({ ...options, name, place, sealedBy: sealedBy(row) })
    return { ...file, [Symbol.asyncDispose]: file.close }
  }

  return { read, check, pieces }
}

/** What a query must give to a reader. */
export const contentColumns = `id, body_key, request_body, request_spill, request_sha256, response_body, response_spill,
  response_sha256`

type Stored = { readonly kind: 'inline'; readonly text: string } | { readonly kind: 'file'; readonly name: string }

function storedIn(row: ContentRow, side: Side): Stored | undefined {
  const [name, text] = [row[`${side}_spill`], row[`${side}_body`]]
  if (typeof name === 'string') return { kind: 'file', name }
  return typeof text === 'string' ? { kind: 'inline', text } : undefined
}

function inlineContent(row: ContentRow, side: Side, text: string, keys: readonly SealKey[]): Buffer {
  const content = sealedBy(row) !== null ? unsealedInline(row, side, text, keys) : Buffer.from(text)
  if (hash('sha256', content, 'hex') !== row[`${side}_sha256`]) throw changed()
  return content
}

function unsealedInline(row: ContentRow, side: Side, text: string, keys: readonly SealKey[]): Buffer {
  const found = orAltered(side, () =>
    unsealed(Buffer.from(text, 'base64'), keys, { id: String(row['id']), side }, DEFAULT_MAX_BYTES),
  )
  if ('kind' in found) throw found.keyId === sealedBy(row) ? noKey(found) : changed()
  return found
}

function orAltered<T>(side: Side, open: () => T): T {
  try {
    return open()
  } catch {
    throw new Unreadable('altered', `the sealed ${side} body is cut or damaged`)
  }
}

async function passFile(file: SpillFile, sha256: Value | undefined, to: (piece: Uint8Array) => void): Promise<number> {
  const digest = createHash('sha256')
  let bytes = 0
  for await (const piece of file.pieces()) {
    digest.update(piece)
    bytes += piece.length
    to(piece)
  }
  if (digest.digest('hex') !== sha256) throw changed()
  return bytes
}

async function orUnreadable(run: () => Promise<Checked>): Promise<Checked> {
  try {
    return await run()
  } catch (cause) {
    if (!(cause instanceof Unreadable)) throw cause
    return { kind: 'unreadable', why: cause.why, reason: cause.message }
  }
}

const sealedBy = (row: ContentRow): string | null => (typeof row['body_key'] === 'string' ? row['body_key'] : null)
const changed = (): Unreadable => new Unreadable('altered', 'its SHA-256 is not that of the row')

const DEFAULT_MAX_BYTES = 256 * 2 ** 20
