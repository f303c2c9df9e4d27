/** The media type of a body that was kept without it, by how it begins. */
export function bodyTypeOf(text: string): string {
  const boundary = /^--([\w'()+,./:=?-]{1,70})\r?\n/.exec(text)?.[1]
  if (boundary !== undefined) return `multipart/form-data; boundary="${boundary}"`
  if (/^\uFEFF?(?:data|event|id|retry)?:/.test(text)) return 'text/event-stream'
  if (/^\s*[{[]/.test(text)) return isLines(text) ? 'application/x-ndjson' : 'application/json'
  return /^[\w.~*+%[\]-]{1,256}=[^\s{}"]*$/.test(text.slice(0, 4_096))
    ? 'application/x-www-form-urlencoded'
    : 'text/plain'
}

/** The first line is a JSON object, and another begins on the next. */
function isLines(text: string): boolean {
  const end = text.indexOf('\n')
  if (end === -1 || text[0] !== '{' || !/^\r?\n*\{/.test(text.slice(end, end + 8))) return false
  try {
    JSON.parse(text.slice(0, end))
    return true
  } catch {
    return false
  }
}
