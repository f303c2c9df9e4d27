/** Shannon entropy in bits per character. Characters beyond Latin-1 share counts. */
export function entropy(text: string): number {
  const counts = new Uint16Array(256)
  const length = Math.min(text.length, 65_535)
  for (let i = 0; i < length; i++) counts[text.charCodeAt(i) & 255]!++
  let bits = 0
  for (let i = 0; i < 256; i++) {
    const share = (counts[i] as number) / length
    if (share > 0) bits -= share * Math.log2(share)
  }
  return bits
}
