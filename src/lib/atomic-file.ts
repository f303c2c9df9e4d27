import { constants } from 'node:fs'
import { copyFile, link, open, rename, rm } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { dirname } from 'node:path'

/** Replaces `path` as a whole: readers see the old content or the new one, also after a crash. `mode` is exact, whatever the umask. */
export async function writeFileAtomic(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
  const temporary = await writeTemporary(path, content, mode)
  try {
    await rename(temporary, path)
  } catch (cause) {
    await rm(temporary, { force: true })
    throw cause
  }
  await syncFolder(path)
}

/** Makes `path` as a whole, or leaves it alone and answers false when it is already there: of several at once one wins. */
export async function createFileAtomic(path: string, content: string | Uint8Array, mode = 0o644): Promise<boolean> {
  const temporary = await writeTemporary(path, content, mode)
  try {
    await linkOrCopy(temporary, path)
    return true
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') return false
    throw cause
  } finally {
    await rm(temporary, { force: true })
    await syncFolder(path)
  }
}

async function writeTemporary(path: string, content: string | Uint8Array, mode: number): Promise<string> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  const file = await open(temporary, 'wx', mode)
  try {
    await file.chmod(mode)
    await file.writeFile(content)
    await file.sync()
  } catch (cause) {
    await rm(temporary, { force: true })
    throw cause
  } finally {
    await file.close()
  }
  return temporary
}

/** Some file systems (FAT, some mounts) have no hard links; there an exclusive copy is the next best. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (cause) {
    const code = codeOf(cause)
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS') throw cause
    await copyFile(from, to, constants.COPYFILE_EXCL)
  }
}

/** That a file is under this path survives power loss only once its folder is written. Windows cannot open folders, and needs no such call. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = await open(dirname(path), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function codeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : undefined
}
