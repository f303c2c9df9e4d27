import { promisify } from 'node:util'
import type { Transform } from 'node:stream'
import {
  brotliDecompress,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
  gunzip,
  inflate,
  inflateRaw,
  zstdDecompress,
} from 'node:zlib'
import type { RawHeaders } from '../core/http.ts'
import { valuesOf } from './headers.ts'

/** Content codings in the order they were applied (RFC 9110, 8.4), `identity` left out. */
export function contentCodings(headers: RawHeaders): string[] {
  return valuesOf(headers, 'content-encoding')
    .flatMap((value) => value.split(','))
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== '' && coding !== 'identity')
}

/** The content with its codings undone, or undefined when they are unknown, more than two, untrue, or give more than `limit` bytes. */
export async function decodeContent(
  bytes: Buffer,
  codings: readonly string[],
  limit: number,
): Promise<Buffer | undefined> {
  if (codings.length > 2) return undefined
  let content = bytes
  for (const coding of codings.toReversed()) {
    const decode = decoders[coding]
    if (decode === undefined) return undefined
    try {
      content = await decode(content, { maxOutputLength: limit })
    } catch {
      return undefined
    }
  }
  return content
}

/** A stream that undoes one coding, or undefined when it is unknown. */
export function decodingStream(coding: string): Transform | undefined {
  return streamDecoders[coding]?.()
}

type Decode = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>

const inflateWrapped: Decode = promisify(inflate)
const inflateBare: Decode = promisify(inflateRaw)

const decoders: Record<string, Decode | undefined> = {
  gzip: promisify(gunzip) as Decode,
  'x-gzip': promisify(gunzip) as Decode,
  // RFC 9110, 8.4.1.2: some senders leave the zlib wrapper out.
  deflate: (bytes, options) => inflateWrapped(bytes, options).catch(() => inflateBare(bytes, options)),
  br: promisify(brotliDecompress) as Decode,
  zstd: promisify(zstdDecompress) as Decode,
}

const streamDecoders: Record<string, (() => Transform) | undefined> = {
  gzip: () => createGunzip(),
  'x-gzip': () => createGunzip(),
  deflate: () => createInflate(),
  br: () => createBrotliDecompress(),
  zstd: () => createZstdDecompress(),
}
