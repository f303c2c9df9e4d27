import type { Media } from '../core/text.ts'

/** What encoded bytes are: by their first bytes, else by what they are said to be, as `image/png`, `audio` or `pcm16`. */
export function mediaOf(encoded: string, said = ''): Media {
  const head = Buffer.from(encoded.slice(0, 64), 'base64').toString('latin1')
  for (const [mark, kind] of marks) if (mark.test(head)) return kind
  return mediaNamed(said)
}

/** The kind of a media type, or of a format's name. */
export function mediaNamed(said: string): Media {
  for (const [mark, kind] of names) if (mark.test(said)) return kind
  return 'binary'
}

/** The media type that a data: URI (RFC 2397) names. */
export function typeInUri(uri: string): string {
  return /^data:([^;,]*)/i.exec(uri)?.[1] ?? ''
}

const marks: readonly (readonly [RegExp, Media])[] = [
  [
    /^(?:\u0089PNG|\u00ff\u00d8\u00ff|GIF8|BM.{4}\0|II\*\0|MM\0\*|RIFF.{4}WEBP|.{4}ftyp(?:avif|hei[cx]|mif1))/s,
    'image',
  ],
  [/^%PDF-/, 'pdf'],
  [/^(?:RIFF.{4}WAVE|ID3|\u00ff[\u00e0-\u00ff]|OggS|fLaC|.{4}ftypM4A)/s, 'audio'],
  [/^(?:.{4}ftyp|\u001aE\u00df\u00a3)/s, 'video'],
]

const names: readonly (readonly [RegExp, Media])[] = [
  [/^image\b|^(?:png|jpe?g|gif|webp|heic|avif)$/i, 'image'],
  [/^audio\b|^(?:wav|mp3|pcm(?:16)?|g711_[au]law|opus|flac|aac|m4a|ogg)$/i, 'audio'],
  [/^video\b|^(?:mp4|webm|mov|mpeg)$/i, 'video'],
  [/pdf$/i, 'pdf'],
]
