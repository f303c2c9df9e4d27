/** A message of RFC 5424; structured data by id and name. */
export type SyslogMessage = {
  readonly priority: number
  readonly timestamp: string
  readonly hostname: string
  readonly appName: string
  readonly procId: string
  readonly msgId: string
  readonly data: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly bom: boolean
  readonly text: string
}

/** Reads one message, strictly. Throws for what RFC 5424, 6 does not allow. */
export function parseSyslog(bytes: Buffer): SyslogMessage {
  const line = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  const head = header.exec(line)
  if (head === null) throw new Error('the header is wrong')
  const [all, priority, timestamp, hostname, appName, procId, msgId] = head as unknown as [string, ...string[]]
  if (Number(priority) > 191 || (priority as string).length !== String(Number(priority)).length)
    throw new Error('the priority is wrong')
  if (Number.isNaN(Date.parse(timestamp as string))) throw new Error('the time is wrong')
  const { data, end } = structuredData(line, all.length)
  const rest = line.slice(end)
  if (rest !== '' && !rest.startsWith(' ')) throw new Error('no space before the message')
  const bom = rest.startsWith(' \uFEFF')
  const text = rest.slice(bom ? 2 : 1)
  // oxlint-disable-next-line no-control-regex
  if (!bom && /[^\u0000-\u007f]/.test(text)) throw new Error('UTF-8 without a byte order mark')
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(line)) throw new Error('a control character')
  return { priority: Number(priority), timestamp, hostname, appName, procId, msgId, data, bom, text } as SyslogMessage
}

function structuredData(line: string, from: number): { data: Record<string, Record<string, string>>; end: number } {
  if (line.startsWith('-', from)) return { data: {}, end: from + 1 }
  const data: Record<string, Record<string, string>> = {}
  let at = from
  while (line[at] === '[') {
    const match = element.exec(line.slice(at))
    if (match === null) throw new Error('the structured data is wrong')
    const [whole, id, parameters] = match as unknown as [string, string, string]
    if (data[id] !== undefined) throw new Error('an element twice')
    const pairs = [...parameters.matchAll(parameter)].map(([, name, value]): [string, string] => [
      name as string,
      (value as string).replaceAll(/\\(["\\\]])/g, '$1'),
    ])
    data[id] = Object.fromEntries(pairs)
    at += whole.length
  }
  if (at === from) throw new Error('no structured data')
  return { data, end: at }
}

/** Takes messages from a stream with octet counting (RFC 6587, 3.4.1). Throws for a length that is none, and one beyond a mebibyte. */
export function octetReader(): { readonly push: (chunk: Buffer) => Buffer[]; readonly rest: () => number } {
  let rest: Buffer = Buffer.alloc(0)
  const next = (): Buffer | undefined => {
    const space = rest.indexOf(0x20)
    const digits = rest.subarray(0, space < 0 ? 8 : space).toString('latin1')
    if (!/^(?:[1-9]\d{0,6})?$/.test(digits)) throw new Error('no length before a message')
    if (space < 0) return undefined
    const end = space + 1 + Number(digits)
    if (Number(digits) > 1_048_576) throw new Error('a message that is too long')
    if (rest.length < end) return undefined
    const message = rest.subarray(space + 1, end)
    rest = rest.subarray(end)
    return message
  }
  return {
    push: (chunk) => {
      rest = Buffer.concat([rest, chunk])
      const messages: Buffer[] = []
      for (let message = next(); message !== undefined; message = next()) messages.push(message)
      return messages
    },
    rest: () => rest.length,
  }
}

const header =
  /^<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)) ([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) /
const element = /^\[([!#-<>-\\^-~]{1,32})((?: [!#-<>-\\^-~]{1,32}="(?:[^"\\\]]|\\.)*")*)\]/
const parameter = / ([!#-<>-\\^-~]{1,32})="((?:[^"\\\]]|\\.)*)"/g
