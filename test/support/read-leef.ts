import { isIP } from 'node:net'
import { refuseUnsafe } from './read-cef.ts'

export type LeefEvent = {
  readonly vendor: string
  readonly product: string
  readonly version: string
  readonly eventId: string
  readonly attributes: ReadonlyMap<string, string>
}

/** Reads one line of LEEF 2.0 as IBM describes it, and throws where it does not fit. */
export function readLeef(line: string): LeefEvent {
  refuseUnsafe(line)
  const parts = line.split('|')
  const [leef, vendor, product, version, eventId, delimiter] = parts as [string, string, string, string, string, string]
  if (leef !== 'LEEF:2.0' || parts.length < 7) throw new Error('not LEEF 2.0')
  if ([vendor, product, version, eventId].some((field) => field === '' || field.includes('\t')))
    throw new Error('bad header')
  const hex = /^(?:0x|x)([0-9a-f]{1,4})$/i.exec(delimiter)?.[1]
  const separator = hex === undefined ? delimiter : String.fromCharCode(Number.parseInt(hex, 16))
  if (separator.length !== 1) throw new Error(`delimiter ${delimiter}`)
  const attributes = new Map<string, string>()
  for (const pair of parts.slice(6).join('|').split(separator)) {
    const mark = pair.indexOf('=')
    const [key, value] = [pair.slice(0, mark), pair.slice(mark + 1)]
    if (mark < 1 || !/^[A-Za-z][A-Za-z0-9]*$/.test(key)) throw new Error(`no attribute: ${pair}`)
    if (value === '') throw new Error(`${key} is empty`)
    if (attributes.has(key)) throw new Error(`${key} is there twice`)
    checkType(key, value)
    attributes.set(key, value)
  }
  return { vendor, product, version, eventId, attributes }
}

function checkType(key: string, value: string): void {
  const fits = {
    sev: () => /^(?:[1-9]|10)$/.test(value),
    src: () => isIP(value) !== 0,
    dst: () => isIP(value) !== 0,
    dstPort: () => /^\d+$/.test(value) && Number(value) < 65_536,
    srcBytes: () => /^\d+$/.test(value),
    dstBytes: () => /^\d+$/.test(value),
    usrName: () => value.length <= 255,
    devTime: () => !Number.isNaN(Date.parse(value)),
  }[key]
  if (fits !== undefined && !fits()) throw new Error(`${key}=${value} does not fit its type`)
}
