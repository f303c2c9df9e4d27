/** A request as its bytes say. */
export type StrictRequest = { readonly method: string; readonly target: string; readonly body: string }

/**
 * A second reading of bytes as HTTP/1.1 requests, by RFC 9112 and nothing more, to compare the real one with. Gives those that are whole; ends
 * at the first byte that has no reading.
 */
export function strictRequests(text: string): StrictRequest[] {
  const requests: StrictRequest[] = []
  for (let at = 0; ;) {
    // Empty lines, and spaces in a request line, have one reading however many there are.
    while (text[at] === '\r' || text[at] === '\n') at += 1
    const end = text.indexOf('\r\n\r\n', at)
    const head = end === -1 ? undefined : headOf(text.slice(at, end))
    if (head === undefined) return requests
    const body = head.chunked ? chunksAt(text, end + 4) : bytesAt(text, end + 4, head.length)
    if (body === undefined) return requests
    requests.push({ method: head.method, target: head.target, body: body.text })
    at = body.end
  }
}

function headOf(text: string) {
  const [first = '', ...lines] = text.split('\r\n')
  const request = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) +([\x21-\x7e\x80-\xff]+) +HTTP\/1\.([01])$/.exec(first)
  const fields = fieldsOf(lines)
  if (request === null || fields === undefined) return undefined
  const all = (name: string) => fields.filter(([field]) => field === name).map(([, value]) => value)
  const [lengths, codings] = [all('content-length'), all('transfer-encoding')]
  if (lengths.length + codings.length > 1 || all('host').length > 1) return undefined
  if (!lengths.every((length) => /^\d{1,15}$/.test(length))) return undefined
  if (!codings.every((coding) => coding.toLowerCase() === 'chunked') || (codings.length > 0 && request[3] === '0'))
    return undefined
  return {
    method: request[1] as string,
    target: request[2] as string,
    chunked: codings.length > 0,
    length: Number(lengths[0] ?? 0),
  }
}

function fieldsOf(lines: readonly string[]): [name: string, value: string][] | undefined {
  const fields: [string, string][] = []
  for (const line of lines) {
    const field = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/.exec(line)
    if (field === null) return undefined
    fields.push([(field[1] as string).toLowerCase(), field[2] as string])
  }
  return fields
}

function bytesAt(text: string, at: number, length: number) {
  return at + length > text.length ? undefined : { text: text.slice(at, at + length), end: at + length }
}

function chunksAt(text: string, from: number) {
  let body = ''
  for (let at = from; ;) {
    const end = text.indexOf('\r\n', at)
    const line = end === -1 ? null : /^([0-9A-Fa-f]{1,12})[ \t]*(;[\t\x20-\x7e\x80-\xff]*)?$/.exec(text.slice(at, end))
    if (line === null) return undefined
    const size = Number.parseInt(line[1] as string, 16)
    if (size === 0) return trailersAt(text, end + 2, body)
    body += text.slice(end + 2, end + 2 + size)
    at = end + 4 + size
    if (text.slice(at - 2, at) !== '\r\n') return undefined
  }
}

function trailersAt(text: string, at: number, body: string) {
  if (text.startsWith('\r\n', at)) return { text: body, end: at + 2 }
  const end = text.indexOf('\r\n\r\n', at)
  if (end === -1 || fieldsOf(text.slice(at, end).split('\r\n')) === undefined) return undefined
  return { text: body, end: end + 4 }
}
