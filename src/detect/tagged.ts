import type { NormalForm } from './rewrite.ts'

/** Stretches of Unicode's tag characters, which nobody sees and a model reads: what they say. Places are those of the text as it was. */
export function* tagged(text: string): Generator<NormalForm, void> {
  if (!text.includes('\udb40')) return
  for (const found of text.matchAll(tags)) {
    const start = found.index
    const spelled = spelledBy(found[0])
    yield { text: spelled, startOf: (index) => start + 2 * index, endOf: (index) => start + 2 * index }
  }
}

function spelledBy(found: string): string {
  const bytes = Buffer.alloc(found.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = found.charCodeAt(2 * i + 1) - first
  return bytes.toString('latin1')
}

/** Where tag characters begin that reach to the end of the text. */
export function taggedFrom(text: string): number {
  let start = text.length
  if (text.charCodeAt(start - 1) === 0xdb40) start--
  while (start > 1 && text.charCodeAt(start - 2) === 0xdb40 && text.charCodeAt(start - 1) >= first) start -= 2
  return start
}

const first = 0xdc00
const tags = /(?:\udb40[\udc09-\udc7e]){8,262144}/g
