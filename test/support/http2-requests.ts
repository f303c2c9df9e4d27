import type { Row, Stage } from './stage.ts'
import { codeOf, framesUntil, preface, settings, types, type Fields, type Frame } from './http2-frames.ts'
import type { RawClient } from './raw-client.ts'

type Line = Readonly<Record<string, string | undefined>>

/** A request for `/bad` with other pseudo-header fields; undefined leaves one out. */
export function line(host: string, changed: Line = {}, more: Fields = []): Fields {
  const usual: Line = { ':method': 'GET', ':scheme': 'https', ':authority': host, ':path': '/bad' }
  const pseudo = Object.entries({ ...usual, ...changed }).filter(
    (field): field is [string, string] => field[1] !== undefined,
  )
  return [...pseudo, ...more]
}

export const good = (host: string): Fields => line(host, { ':path': '/good' })

/** An HTTP/2 connection through the proxy on which these frames have been sent, after what every connection begins with. */
export async function begun(stage: Stage, host: string, ...frames: readonly Uint8Array[]): Promise<RawClient> {
  const client = await stage.connect(host, { alpn: ['h2'] })
  client.send(Buffer.concat([preface, settings(), ...frames]))
  return client
}

const ends = (id: number) => (one: Frame) => one.id === id && (one.type === types.reset || (one.flags & 1) === 1)

/** What the next stream got: its frames, and the resets of others. */
export async function answered(client: RawClient, id: number): Promise<{ resets: [number, number][]; ok: boolean }> {
  const frames = (await framesUntil(client, ends(id))).filter((some) => some !== undefined)
  const resets = frames
    .filter(({ type }) => type === types.reset)
    .map((some): [number, number] => [some.id, codeOf(some)])
  // 0x88: `:status: 200` in the static table (RFC 7541, appendix A).
  return {
    resets,
    ok: frames.some((some) => some.id === id && some.type === types.headers && some.payload[0] === 0x88),
  }
}

/** The row of the connection that ends after `before` others. */
export async function connectionRow(stage: Stage, before: number): Promise<Row | undefined> {
  const rows = await stage.sallyport.rowsWhen('connections', (some) => some.length > before)
  return rows.at(-1)
}
