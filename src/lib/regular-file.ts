import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'

/**
 * The text of a file. Throws, with a `code`, for what is no regular file (a device or a pipe has no end, or never begins: `EINVAL`; a
 * folder: `EISDIR`) and for what is larger than `mostBytes` (`EFBIG`), as well as what opening and reading throw.
 */
export function readRegularFile(path: string, mostBytes = LARGEST): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stats = fstatSync(file)
    if (stats.isDirectory()) throw failure('EISDIR', 'it is a folder')
    if (!stats.isFile()) throw failure('EINVAL', 'it is no regular file')
    if (stats.size > mostBytes) throw failure('EFBIG', `it has more than ${mostBytes} bytes`)
    return readFileSync(file, 'utf8')
  } finally {
    closeSync(file)
  }
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(`${code}: ${message}`), { code })
}

const LARGEST = 67_108_864
