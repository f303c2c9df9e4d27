import { sealed, type SealKey, type Side } from './seal.ts'
import type { Value } from '../rows.ts'

/** Where among the values of a write content and what belongs to it stand. */
export type ContentColumns = {
  readonly id: number
  readonly bodyKey: number
  readonly sides: readonly { readonly side: Side; readonly body: number; readonly spill: number }[]
}

/** A kind of write, as far as its content is concerned. */
type Written = { readonly width: number; readonly content?: ContentColumns | undefined }

/**
 * Seals the inline bodies in a batch of writes (kind, its values, kind, its values, …) and names the key in each that brings content. Files
 * that they name are sealed by who writes them, with the same key.
 */
export function sealRows(key: SealKey, kinds: readonly Written[], values: Value[]): void {
  for (let at = 0; at < values.length;) {
    const { width, content } = kinds[values[at] as number]!
    at += 1
    if (content !== undefined) sealRow(key, content, values, at)
    at += width
  }
}

function sealRow(key: SealKey, { id, bodyKey, sides }: ContentColumns, values: Value[], at: number): void {
  for (const { side, body, spill } of sides) {
    const text = values[at + body]
    if (typeof text === 'string') {
      const place = { id: String(values[at + id]), side }
      values[at + body] = sealed(key, place, Buffer.from(text)).toString('base64')
    }
    if (typeof text === 'string' || typeof values[at + spill] === 'string') values[at + bodyKey] = key.id
  }
}
