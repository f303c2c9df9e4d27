/**
 * Whether [start, end) is base64 (or hex) rather than text. Long ones are sampled at both ends and throughout, so that an image
 * of megabytes costs microseconds; a blank or a line break anywhere makes it text.
 */
export function looksEncoded(text: string, start: number, end: number): boolean {
  if (end - start <= 3 * sample) return encoded.test(text.slice(start, end))
  if (!encoded.test(text.slice(start, start + sample)) || !encoded.test(text.slice(end - sample, end))) return false
  for (let at = start + sample; at < end - sample; at += stride)
    if (!encoded.test(text.slice(at, at + 16))) return false
  const middle = text.slice(start, end)
  return !middle.includes(' ') && !middle.includes('\\n')
}

/** Where the encoded bytes of a data: URI (RFC 2397) begin, when [start, end) is one; 0 otherwise. */
export function dataUriContent(text: string, start: number, end: number): number {
  if ((text.charCodeAt(start) | 32) !== 100 || !/^data:/i.test(text.slice(start, start + 5))) return 0
  const marker = text.slice(start, Math.min(end, start + 200)).search(/;base64,/i)
  return marker > 0 && looksEncoded(text, start + marker + 8, end) ? start + marker + 8 : 0
}

/** Whether a member's name can stand in a path, which is recorded: a name that could be a value itself may not. */
export function plainName(name: string): boolean {
  return name.length <= 32 && letters.test(name)
}

/** Bytes that no text has: NUL, or one control character in eight, in the first kilobytes. The Content-Type is not believed. */
export function isBinary(body: string): boolean {
  const head = body.slice(0, 4096)
  if (head.includes('\0')) return true
  return (head.match(controls)?.length ?? 0) > head.length / 8
}

// PHP and others write a slash as \/.
const encoded = /^\/?(?:[A-Za-z0-9+/=_-]|\\\/|\\$)*$/
const letters = /^[A-Za-z_][A-Za-z_-]*$/
const controls = /[\u0001-\u0008\u000e-\u001f]/g
const sample = 512
const stride = 4096
