/** The bytes of base64url without padding (RFC 4648, 5; RFC 7515, 2) in the one spelling that encoding them gives; undefined for any other. */
export function decodedBase64url(text: string): Buffer | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return undefined
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}
