/** Text in one line: line breaks, control characters and what is half a character are replaced, so that no receiver sees a line end there. */
export function oneLine(text: string): string {
  return text.toWellFormed().replace(unsafe, standIn)
}

/** At most `max` UTF-16 code units, the last of them an ellipsis when something was cut off. Never half a character. */
export function clipped(text: string, max: number): string {
  if (text.length <= max) return text
  const end = max - 1
  const cutsPair = end > 0 && (text.codePointAt(end - 1) ?? 0) > 0xffff
  return `${text.slice(0, cutsPair ? end - 1 : end)}…`
}

/**
 * JSON in one line, pure of everything that some reader takes for a line end or a control character. What is undefined is left out. Text
 * that is not well-formed Unicode gets U+FFFD: a lone surrogate is something that many receivers refuse the whole event for.
 */
export function jsonLine(value: unknown): string {
  const text = JSON.stringify(value).replace(
    unsafe,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  // JSON.stringify escapes a surrogate only when it is alone. An escaped backslash before `ud800` is text.
  return /\\ud[89a-f]/.test(text)
    ? text.replace(/\\(?:ud[89a-f][0-9a-f]{2}|.)/g, (escape) => (escape.length > 2 ? String.raw`\ufffd` : escape))
    : text
}

/** C0 have pictures of their own (U+2400), so that people see what was there. */
function standIn(character: string): string {
  const code = character.charCodeAt(0)
  if (code < 0x20) return String.fromCharCode(0x2400 + code)
  return code === 0x7f ? '\u2421' : '\uFFFD'
}

// C0, DEL, C1 (NEL is a line end), line and paragraph separator, byte order mark, and what turns the direction of text around.
// oxlint-disable-next-line no-control-regex
const unsafe = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff\u200e\u200f\u202a-\u202e\u2066-\u2069]/g
