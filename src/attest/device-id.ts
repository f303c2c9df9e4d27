/** Whether a text may be the id of a device: letters, digits, dots, underscores and hyphens, 64 at most, a letter or digit first. */
export function isDeviceId(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text)
}
