import { type Dirent, readdirSync, rmdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The day folders of body files that there are, relative to the data folder, oldest first: `bodies/2026/11/21`. */
export function bodyFolders(dir: string): string[] {
  return ['bodies']
    .flatMap((root) => subfolders(dir, root, /^\d{4}$/))
    .flatMap((year) => subfolders(dir, year, /^\d\d$/))
    .flatMap((month) => subfolders(dir, month, /^\d\d$/))
}

/** The names in a folder that are of body files, finished or not; what else is there is not ours. */
export function bodyFilesIn(dir: string, folder: string): string[] {
  return entriesOf(dir, folder).flatMap((entry) => (entry.isFile() && BODY_FILE.test(entry.name) ? [entry.name] : []))
}

/** What the name of a body file says. */
export function bodyFileOf(
  name: string,
): { readonly id: string; readonly side: 'request' | 'response'; readonly unfinished: boolean } | undefined {
  const parts = BODY_FILE.exec(name)
  if (parts === null) return undefined
  const [, id = '', side, tmp] = parts
  return { id, side: side === 'request' ? 'request' : 'response', unfinished: tmp !== undefined }
}

/** Whether a name that a row gives is that of a body file: it leads nowhere else. */
export const isBodyPath = (name: string): boolean => BODY_PATH.test(name)

/** Removes a body file and answers how many bytes it took; 0 when there was none. */
export function removeBodyFile(dir: string, name: string): number {
  if (!isBodyPath(name)) return 0
  const path = join(dir, name)
  const bytes = bytesOfFile(path)
  rmSync(path, { force: true })
  return bytes
}

/** What a file takes on most disks: whole units of 4 KiB; 0 when there is none. */
export function bytesOfFile(path: string): number {
  return Math.ceil((statSync(path, { throwIfNoEntry: false })?.size ?? 0) / UNIT_BYTES) * UNIT_BYTES
}

/** Removes a folder with those above it, up to `bodies`, as far as they are empty and not of the last two days. */
export function removeEmptyFolders(dir: string, folder: string, now: number): void {
  const recent = [now, now - DAY_MS].map((time) => folderOfDay(time))
  for (let name = folder; name !== 'bodies' && name !== '.'; name = dirname(name)) {
    if (recent.some((day) => day.startsWith(name))) return
    try {
      rmdirSync(join(dir, name))
    } catch {
      // There is something in it.
      return
    }
  }
}

const folderOfDay = (time: number): string => `bodies/${new Date(time).toISOString().slice(0, 10).replaceAll('-', '/')}`

function subfolders(dir: string, folder: string, fits: RegExp): string[] {
  return entriesOf(dir, folder)
    .flatMap((entry) => (entry.isDirectory() && fits.test(entry.name) ? [`${folder}/${entry.name}`] : []))
    .toSorted()
}

function entriesOf(dir: string, folder: string): Dirent[] {
  try {
    return readdirSync(join(dir, folder), { withFileTypes: true })
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return []
    throw cause
  }
}

const ID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
const BODY_FILE = new RegExp(String.raw`^(${ID})\.(request|response)(\.tmp)?$`)
const BODY_PATH = new RegExp(String.raw`^bodies/\d{4}/\d\d/\d\d/${ID}\.(?:request|response)(?:\.tmp)?$`)
const UNIT_BYTES = 4_096
const DAY_MS = 86_400_000
