import { rename, stat } from 'node:fs/promises'

/** Renames `path` to `path.1`, that to `path.2`, and so on up to `path.KEEP`, which is overwritten. Killed in between it loses nothing: the next rotation fills the gap. */
export async function rotate(path: string, keep: number): Promise<void> {
  let free = 1
  while (free < keep && (await isThere(`${path}.${free}`))) free += 1
  for (let number = free; number > 1; number--) await move(`${path}.${number - 1}`, `${path}.${number}`)
  await move(path, `${path}.1`)
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (cause) {
    if (isMissing(cause)) return false
    throw cause
  }
}

/** Others may rotate and clean up too. */
async function move(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (cause) {
    if (!isMissing(cause)) throw cause
  }
}

const isMissing = (cause: unknown): boolean => cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
