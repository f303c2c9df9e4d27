import { closeSync, openSync, writeSync } from 'node:fs'

/** A new file of lines, 0600. What was added is in the file when it is disposed of. */
export type LineFile = Disposable & {
  readonly add: (value: object) => void
  readonly text: (line: string) => void
}

export function lineFile(path: string): LineFile {
  const fd = openSync(path, 'wx', 0o600)
  let lines: string[] = []
  let size = 0

  function flush(): void {
    const bytes = Buffer.from(lines.join(''))
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at)
    lines = []
    size = 0
  }

  function text(line: string): void {
    lines.push(line)
    size += line.length
    if (size >= PIECE) flush()
  }

  return {
    add: (value) => text(`${JSON.stringify(value)}\n`),
    text,
    [Symbol.dispose]() {
      flush()
      closeSync(fd)
    },
  }
}

const PIECE = 262_144
