/**
 * JSON text with its members on lines of their own, as `JSON.stringify(…, null, 2)` lays them out; numbers, strings and their escapes stay
 * letter for letter.
 */
export function indented(json: string): string {
  const parts: string[] = []
  let depth = 0
  let last = ''
  for (const [token] of json.matchAll(TOKEN)) {
    const closes = token === '}' || token === ']'
    const opened = last === '{' || last === '['
    if (closes) depth -= 1
    if (closes ? !opened : opened || last === ',') parts.push(`\n${'  '.repeat(depth)}`)
    parts.push(token === ':' ? ': ' : token)
    if (token === '{' || token === '[') depth += 1
    last = token
  }
  return parts.join('')
}

const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g
