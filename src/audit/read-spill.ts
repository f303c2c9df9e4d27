import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'

/**
 * The content of a spill file by the name that a row gives, or undefined when the file is missing or damaged, or holds more than
 * `maxBytes`.
 */
export function readSpill(dir: string, name: string, maxBytes: number): Buffer | undefined {
  // Rows are ours, but a database may have been handed over: no name leads out of the folder.
  if (!SPILL_NAME.test(name)) return undefined
  const path = join(dir, name)
  try {
    if (statSync(path).size > maxBytes) return undefined
    return zstdDecompressSync(readFileSync(path), { maxOutputLength: maxBytes })
  } catch {
    return undefined
  }
}

const SPILL_NAME = /^bodies\/\d{4}\/\d\d\/\d\d\/[0-9a-f-]{36}\.(?:request|response)$/
