import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A new folder that is removed when the test process ends. */
export function tempFolder(name = 'test'): string {
  const folder = mkdtempSync(join(tmpdir(), `sallyport-${name}-`))
  if (folders.length === 0) process.once('exit', removeAll)
  folders.push(folder)
  return folder
}

function removeAll(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
}

const folders: string[] = []
