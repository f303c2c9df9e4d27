/** Fatal alerts for those with whom there is no handshake: each in a record of its own (RFC 8446, 5.1 and 6). */
export const alerts = {
  accessDenied: fatal(49),
  internalError: fatal(80),
  unrecognizedName: fatal(112),
} as const

function fatal(description: number): Buffer {
  return Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, description])
}
