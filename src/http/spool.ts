import { createCipheriv, randomBytes, randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rm } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { SallyportError } from '../core/errors.ts'

/**
 * Where bodies wait that find no room in memory. Files are private and have no name once they are open; what is in them is encrypted with a
 * key that only the memory of this process has: nothing of them outlives it, not on the disk's blocks either.
 */
export type Spools = {
  /** Rejects with `overloaded` when there are too many already; makes nothing until it is written to. */
  readonly open: () => SpoolFile
  /** Removes what an earlier run left where a file in use keeps its name. */
  readonly sweep: () => Promise<void>
  /** Bytes on disk now. */
  readonly bytes: () => number
}

/** One body on disk: written to its end, then read once. Whatever the disk refuses rejects with `overloaded`. */
export type SpoolFile = {
  readonly write: (bytes: Uint8Array) => Promise<void>
  readonly whole: () => Promise<Buffer>
  readonly chunks: () => AsyncGenerator<Uint8Array>
  /** Frees its place; may be called twice. */
  readonly close: () => void
}

export function spools(terms: {
  readonly dir: string
  readonly maxFiles: number
  readonly maxBytes: () => number
  /** Told of what the disk refuses. */
  readonly failed: (cause: unknown) => void
}): Spools {
  let files = 0
  let bytes = 0
  const refused = (cause: unknown): SallyportError => {
    if (cause instanceof SallyportError) return cause
    terms.failed(cause)
    return new SallyportError('overloaded', 'there is no room for the body: it could not be put on disk', { cause })
  }
  return {
    open() {
      if (files >= terms.maxFiles) throw tooMany()
      files += 1
      const file = new Spooled(() => unnamed(terms.dir))
      let closed = false
      // What is still under way when its place is freed is nobody's any more: no fault of the disk.
      const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
        if (closed) throw over()
        try {
          return await work()
        } catch (cause) {
          throw closed ? over() : refused(cause)
        }
      }
      return {
        async write(some) {
          if (closed) throw over()
          if (bytes + some.length > terms.maxBytes()) throw tooMany()
          bytes += some.length
          await guarded(() => file.write(some))
        },
        whole: () => guarded(() => file.whole()),
        chunks: () => file.chunks(),
        close() {
          if (closed) return
          closed = true
          files -= 1
          bytes -= file.size
          file.close()
        },
      }
    },
    async sweep() {
      const names = await readdir(terms.dir).catch(() => [])
      for (const name of names) await rm(join(terms.dir, name), { force: true }).catch(() => undefined)
    },
    bytes: () => bytes,
  }
}

class Spooled {
  size = 0
  readonly #make: () => Promise<Opened>
  readonly #key = randomBytes(32)
  #opened: Promise<Opened> | undefined
  #pending: Uint8Array[] = []
  #pendingBytes = 0
  #written = 0
  #busy: Promise<unknown> = Promise.resolve()

  constructor(make: () => Promise<Opened>) {
    this.#make = make
  }

  write(bytes: Uint8Array): Promise<void> {
    this.#pending.push(bytes)
    this.#pendingBytes += bytes.length
    this.size += bytes.length
    return this.#pendingBytes < pieceBytes ? Promise.resolve() : this.#settle()
  }

  async whole(): Promise<Buffer> {
    await this.#settle()
    const all = Buffer.allocUnsafeSlow(this.size)
    for (let at = 0; at < all.length;) at += await this.#read(all.subarray(at, at + stepBytes), at)
    return all
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    await this.#settle()
    for (let at = 0; at < this.size;) {
      const piece = Buffer.allocUnsafe(Math.min(pieceBytes, this.size - at))
      const length = await this.#read(piece, at)
      at += length
      yield piece.subarray(0, length)
    }
  }

  /** After what is under way with it. */
  close(): void {
    this.#pending = []
    void this.#busy
      .then(() => this.#opened)
      .then((opened) => opened?.close())
      .catch(() => undefined)
  }

  #settle(): Promise<void> {
    const pieces = this.#pending
    this.#pending = []
    this.#pendingBytes = 0
    return this.#alone(async () => {
      this.#opened ??= this.#make()
      const { file } = await this.#opened
      for (const piece of pieces) {
        for (let at = 0; at < piece.length; at += stepBytes) {
          const step = crypted(this.#key, this.#written, piece.subarray(at, at + stepBytes))
          for (let done = 0; done < step.length;) {
            const { bytesWritten } = await file.write(step, done, step.length - done, this.#written)
            done += bytesWritten
            this.#written += bytesWritten
          }
        }
      }
    })
  }

  #read(into: Buffer, at: number): Promise<number> {
    return this.#alone(async () => {
      const { file } = await (this.#opened as Promise<Opened>)
      const { bytesRead } = await file.read(into, 0, into.length, at)
      if (bytesRead === 0) throw new Error('the file is shorter than what was written')
      into.set(crypted(this.#key, at, into.subarray(0, bytesRead)))
      return bytesRead
    })
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#busy.then(work)
    this.#busy = done.catch(() => undefined)
    return done
  }
}

/** AES-256-CTR, the same both ways, at any place of a file. No place is written twice with the key of one file. */
function crypted(key: Uint8Array, at: number, bytes: Uint8Array): Buffer {
  const counter = Buffer.alloc(16)
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 16)), 8)
  const cipher = createCipheriv('aes-256-ctr', key, counter)
  cipher.update(Buffer.alloc(at % 16))
  return cipher.update(bytes)
}

type Opened = { readonly file: FileHandle; readonly close: () => Promise<void> }

/** A file that only its owner can read. Its name goes at once, or with its end where a file in use cannot be without (Windows). */
async function unnamed(dir: string): Promise<Opened> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const path = join(dir, randomUUID())
  const file = await open(path, 'wx+', 0o600)
  try {
    await rm(path)
    return { file, close: () => file.close() }
  } catch {
    return { file, close: () => file.close().then(() => rm(path, { force: true })) }
  }
}

function over(): SallyportError {
  return new SallyportError('client_aborted', 'the exchange is over')
}

function tooMany(): SallyportError {
  return new SallyportError('overloaded', 'there is no room for the body: too much waits on disk already')
}

const pieceBytes = 65_536
const stepBytes = 1_048_576
