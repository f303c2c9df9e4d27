/** Where a value stands: checks of values in code look at what is round them. */
export type Site = { readonly text: string; readonly start: number; readonly end: number; readonly key?: string }

/** What gives a value its name: in `db.password = "x"` the name `db.password` and the sign ` = "`. */
export type Assignment = {
  /** At most 64 characters, dots and hyphens included; empty when there is none. */
  readonly name: string
  /** Everything between the name and the value, at most 32 characters. */
  readonly sign: string
  /** What stands before the name and its quotation mark: `(` in `set("password", "x")`; a comma when it is too far away. */
  readonly opener: string
}

/** The words `is` and `string` and the letter before a quotation mark (`r"…"`) are signs, no names. */
export function assignmentBefore({ text, start }: Site): Assignment {
  let end = start
  let begin = start
  do {
    end = begin
    while (end > 0 && start - end < 32 && !inName(text.charCodeAt(end - 1))) end--
    begin = end
    while (begin > 0 && end - begin < 64 && inName(text.charCodeAt(begin - 1))) begin--
  } while (begin > 0 && begin < end && /^(?:is|string|[bfru])$/i.test(text.slice(begin, end)))
  const before = text.slice(Math.max(0, begin - 64), begin).replace(/[\\"'`\s]{1,64}$/, '')
  return { name: text.slice(begin, end), sign: text.slice(end, start), opener: before.slice(-1) || ',' }
}

export function isQuoted({ text, start }: Site): boolean {
  return start > 0 && '"\'`'.includes(text.charAt(start - 1))
}

/** `EXPORTED_NAME=value` as a shell or an `.env` file has it: nothing between, and no quotes. */
export function isShellVariable({ name, sign }: Assignment): boolean {
  return sign === '=' && /^[A-Z][A-Z0-9_]+$/.test(name)
}

/** Letters, digits, `_`, `$`, `.`, `-`. */
function inName(code: number): boolean {
  return (
    (code > 47 && code < 58) ||
    (code > 64 && code < 91) ||
    (code > 96 && code < 123) ||
    code === 95 ||
    code === 36 ||
    code === 46 ||
    code === 45
  )
}
