import { lstat, readdir, readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { SallyportError } from '../core/errors.ts'

/** One input of a scan: a file by the name to show, or standard input (`-`). */
export type ScanInput = { readonly name: string; readonly path: string }

/**
 * The files that the arguments name; a folder stands for the files in it and below, by name, without links and `.git`. Throws
 * SallyportError for what is not there.
 */
export async function inputsOf(names: readonly string[], cwd: string): Promise<ScanInput[]> {
  const inputs: ScanInput[] = []
  for (const name of names) {
    const path = resolve(cwd, name)
    if (name !== '-' && (await told(name, () => stat(path))).isDirectory()) inputs.push(...(await filesIn(name, path)))
    else inputs.push({ name, path })
  }
  return inputs
}

/** What a file says: UTF-8, UTF-16 with its mark, else latin1. Undefined for one that is not text: it has NULs at its beginning. */
export async function textOf({ name, path }: ScanInput): Promise<string | undefined> {
  const { size } = await told(name, () => stat(path))
  if (size > LARGEST_BYTES)
    throw new SallyportError('unreadable_body', `${name} is larger than ${LARGEST_BYTES / 2 ** 20} MiB`, {
      hint: 'Split it.',
    })
  return decoded(await told(name, () => readFile(path)))
}

export function decoded(bytes: Buffer): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le', keepMark).decode(bytes)
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be', keepMark).decode(bytes)
  if (bytes.subarray(0, LOOKED_AT_BYTES).includes(0)) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true, ...keepMark }).decode(bytes)
  } catch {
    return bytes.toString('latin1')
  }
}

/** Says of a file that cannot be read why, in one line. */
export async function told<T>(name: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === undefined || cause instanceof SallyportError) throw cause
    throw new SallyportError('unreadable_body', `${name} cannot be read: ${code}`, {
      cause,
      hint: 'Check the path and its permissions.',
    })
  }
}

async function filesIn(name: string, path: string): Promise<ScanInput[]> {
  const inputs: ScanInput[] = []
  for (const entry of (await told(name, () => readdir(path))).sort()) {
    const below = { name: join(name, entry), path: join(path, entry) }
    const found = await told(below.name, () => lstat(below.path))
    if (found.isFile()) inputs.push(below)
    else if (found.isDirectory() && entry !== '.git') inputs.push(...(await filesIn(below.name, below.path)))
  }
  return inputs
}

// Offsets are those of the text as other programs read it.
const keepMark = { ignoreBOM: true } as const
const LOOKED_AT_BYTES = 8_192
const LARGEST_BYTES = 256 * 2 ** 20
