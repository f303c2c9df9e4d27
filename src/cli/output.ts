import type { Io } from './command.ts'

/** One column of a table. */
export type Column<Row> = {
  readonly title: string
  readonly of: (row: Row) => string | number | null
  readonly align?: 'left' | 'right'
}

/** Prints lines of text. Control characters in them are made harmless; wait for it before printing much more. */
export async function printLines(io: Io, lines: readonly string[]): Promise<void> {
  if (lines.length > 0) await write(io.stdout, lines.map((line) => `${printable(line)}\n`).join(''))
}

/** Prints one JSON line for each value. */
export async function printJson(io: Io, ...values: readonly unknown[]): Promise<void> {
  await write(io.stdout, values.map((value) => `${jsonLine(value)}\n`).join(''))
}

/** Prints rows under a heading, columns aligned; nothing at all when there are no rows. */
export async function printTable<Row>(io: Io, columns: readonly Column<Row>[], rows: readonly Row[]): Promise<void> {
  if (rows.length === 0) return
  const cells = rows.map((row) => columns.map(({ of }) => printable(String(of(row) ?? '-'))))
  const widths = columns.map(({ title }, index) => {
    return cells.reduce((widest, row) => Math.max(widest, widthOf(row[index] as string)), title.length)
  })
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, index) => padded(text, widths[index] as number, columns[index]?.align))
      .join('  ')
      .trimEnd()
  const paint = painter(io.stdout, io.env)
  const heading = paint('dim', line(columns.map(({ title }) => title)))
  await write(io.stdout, [heading, ...cells.map(line)].map((text) => `${text}\n`).join(''))
}

/** A value as one line of JSON that no terminal obeys. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replaceAll(UNSAFE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Text from outside, safe for a terminal: control characters and those that reorder text become `\u001b`. Tabs stay. */
export function printable(text: string): string {
  return text.replaceAll(UNSAFE, (char) =>
    char === '\t' ? char : char === '\n' ? '\\n' : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

export type Colour = 'bold' | 'dim' | 'red' | 'green' | 'yellow'

/** Colours text, on a terminal that may have colours; else leaves it. */
export function painter(
  stream: { readonly isTTY?: boolean },
  env: Io['env'],
): (colour: Colour, text: string) => string {
  const wanted = stream.isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb'
  return (colour, text) => (wanted ? `\u001B[${codes[colour]}m${text}\u001B[0m` : text)
}

/** Writes, and waits while the reader is behind. */
export async function write(stream: NodeJS.WritableStream, text: string): Promise<void> {
  if (stream.write(text)) return
  await new Promise<void>((resolve) => {
    const done = (): void => {
      for (const event of ['drain', 'close', 'error']) stream.removeListener(event, done)
      resolve()
    }
    for (const event of ['drain', 'close', 'error']) stream.once(event, done)
  })
}

function padded(text: string, width: number, align: Column<never>['align'] = 'left'): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)))
  return align === 'left' ? text + space : space + text
}

function widthOf(text: string): number {
  let width = 0
  for (const char of text) width += WIDE.test(char) ? 2 : 1
  return width
}

const codes: Readonly<Record<Colour, number>> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 }

// C0, DEL, C1, line and paragraph separators, and the marks that turn the direction of text.
const UNSAFE = /[\u0000-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/g

// What terminals draw two cells wide: Hangul, CJK, full-width forms, emoji.
const WIDE = /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\u{1F300}-\u{1FAFF}]/u
