import type { FileHandle } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Mends a file whose last line has no end, because its writer was killed or the disk was full: whole JSON gets its line break, anything
 * else is cut off. What was cut had not been delivered, and comes again.
 */
export async function repair(file: FileHandle, json: boolean): Promise<void> {
  const { size } = await file.stat()
  if (size === 0 || (await isLineEnd(file, size - 1))) return
  // Another program may be in the middle of its line.
  await sleep(PATIENCE_MS)
  if ((await file.stat()).size !== size) return repair(file, json)
  const begin = await beginOfLastLine(file, size)
  if (json && (await isWholeJson(file, begin, size))) await file.write('\n')
  else await file.truncate(begin)
  await file.datasync()
}

async function isLineEnd(file: FileHandle, at: number): Promise<boolean> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, at)
  return bytesRead === 1 && buffer[0] === LINE_FEED
}

async function beginOfLastLine(file: FileHandle, size: number): Promise<number> {
  for (let end = size; end > 0;) {
    const length = Math.min(CHUNK_BYTES, end)
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, end - length)
    const at = buffer.lastIndexOf(LINE_FEED)
    if (at >= 0) return end - length + at + 1
    end -= length
  }
  return 0
}

async function isWholeJson(file: FileHandle, begin: number, end: number): Promise<boolean> {
  if (end - begin > LINE_BYTES) return false
  const { buffer } = await file.read(Buffer.alloc(end - begin), 0, end - begin, begin)
  try {
    const value: unknown = JSON.parse(buffer.toString('utf8'))
    return typeof value === 'object' && value !== null
  } catch {
    return false
  }
}

const LINE_FEED = 0x0a
const PATIENCE_MS = 50
const CHUNK_BYTES = 65_536
const LINE_BYTES = 256 * 2 ** 20
