import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'

/** What is in a file of a body that is not sealed. */
export function spilledContent(dir: string, name: string): Buffer {
  return zstdDecompressSync(readFileSync(join(dir, name)))
}
