/** One record of CSV (RFC 4180), with its CRLF: JSON values as JSON text, null as nothing. */
export function csvRecord(values: readonly unknown[]): string {
  return `${values.map(cell).join(',')}\r\n`
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  const text = harmless(typeof value === 'string' ? value : JSON.stringify(value))
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/**
 * Spreadsheets take a text that begins like this for a formula, and run it; also behind white space, and the full-width forms of the signs. An
 * apostrophe before it makes it text (OWASP, CSV injection).
 */
function harmless(text: string): string {
  return /^[\s\0]*[=+\-@|%＝＋－＠]|^[\t\r\n]/u.test(text) ? `'${text}` : text
}
