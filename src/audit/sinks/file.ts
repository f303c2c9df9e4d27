import { constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { syncFolder } from '../../lib/atomic-file.ts'
import type { FormatName } from '../formats/index.ts'
import { repair } from './file-repair.ts'
import { rotate } from './file-rotate.ts'
import { linesOf } from './lines.ts'
import { reasonOf } from './reasons.ts'
import { defineSink, SinkError } from './sink.ts'

export type FileOptions = {
  readonly type: 'file'
  readonly path: string
  /** Size beyond which a new file is begun. */
  readonly rotateBytes: number
  /** How many old ones are kept. */
  readonly keep: number
  readonly format: FormatName
}

/**
 * Lines appended to a file, which are on the disk when a delivery is done. The file may be moved, removed or emptied by others (logrotate):
 * each delivery looks which file has the name. Made with mode 0600; one that is there keeps its mode.
 */
export const file = defineSink<FileOptions>({
  type: 'file',
  create: (options, context) => {
    const journal = new Journal(options)
    return {
      send: async (rows, signal) => {
        const lines = linesOf(rows, options.format, context).map(({ text, json }) => ({ text: `${text}\n`, json }))
        try {
          await journal.append(lines, signal)
        } catch (thrown) {
          await journal.close()
          signal.throwIfAborted()
          if (thrown instanceof SinkError) throw thrown
          throw new SinkError(`cannot write ${options.path}: ${reasonOf(thrown)}`, { cause: thrown })
        }
        return []
      },
      close: () => journal.close(),
    }
  },
})

type Line = { readonly text: string; readonly json: boolean }

/** Owns the open file. */
class Journal {
  readonly #options: FileOptions
  #file: FileHandle | undefined

  constructor(options: FileOptions) {
    this.#options = options
  }

  /** After anything thrown the file is to be closed: opening it again repairs it. */
  async append(lines: readonly Line[], signal: AbortSignal): Promise<void> {
    const { path, rotateBytes, keep } = this.#options
    let from = 0
    while (from < lines.length) {
      signal.throwIfAborted()
      const file = await this.#current(lines[from]?.json === true)
      const { size } = await file.stat()
      const { text, next } = taken(lines, from, rotateBytes - size)
      if (size > 0 && text.length + size > rotateBytes) {
        await this.close()
        await rotate(path, keep)
        continue
      }
      await write(file, text, size)
      from = next
    }
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }

  async #current(json: boolean): Promise<FileHandle> {
    const { path } = this.#options
    if (this.#file !== undefined && (await isNamed(this.#file, path))) return this.#file
    await this.close()
    const file = await openRegular(path)
    this.#file = file
    await repair(file, json)
    await syncFolder(path)
    return file
  }
}

/** As many lines as fit, but one at least. */
function taken(lines: readonly Line[], from: number, room: number): { readonly text: Buffer; readonly next: number } {
  const some: Buffer[] = []
  let [size, next] = [0, from]
  for (; next < lines.length; next++) {
    const line = Buffer.from((lines[next] as Line).text)
    if (some.length > 0 && (size + line.length > room || size > WRITE_BYTES)) break
    some.push(line)
    size += line.length
  }
  return { text: Buffer.concat(some), next }
}

/** All of it, and on the disk; or as little of it as can be taken back. */
async function write(file: FileHandle, text: Buffer, before: number): Promise<void> {
  let written = 0
  try {
    while (written < text.length) written += (await file.write(text, written)).bytesWritten
    await file.datasync()
  } catch (cause) {
    // Only when nobody else has appended in the meantime.
    const { size } = await file.stat()
    if (size === before + written) await file.truncate(before)
    throw cause
  }
}

async function isNamed(file: FileHandle, path: string): Promise<boolean> {
  const [ours, named] = await Promise.all([file.stat(), stat(path).catch(() => undefined)])
  return named !== undefined && named.ino === ours.ino && named.dev === ours.dev
}

async function openRegular(path: string): Promise<FileHandle> {
  const { O_RDWR, O_APPEND, O_CREAT, O_NONBLOCK } = constants
  const file = await open(path, O_RDWR | O_APPEND | O_CREAT | (O_NONBLOCK ?? 0), 0o600)
  const stats = await file.stat()
  if (stats.isFile()) return file
  await file.close()
  throw new SinkError(`cannot write ${path}: it is no regular file`)
}

const WRITE_BYTES = 4 * 2 ** 20
