import { createHash } from 'node:crypto'
import { jksTrustStore, pkcs12TrustStore, trustedFromPem } from './java-store.ts'

export const exportFormats = ['pem', 'der', 'p12', 'jks', 'mobileconfig'] as const

export type ExportFormat = (typeof exportFormats)[number]

/** The CA's certificate, never its key, as other systems take it. Stores open with the password `changeit`. */
export function exported(format: ExportFormat, { pem, name, now }: { pem: string; name: string; now: number }): Buffer {
  const certificates = trustedFromPem(pem, 'sallyport')
  const der = Buffer.from(certificates[0]?.der ?? [])
  switch (format) {
    case 'pem':
      return Buffer.from(pem)
    case 'der':
      return der
    case 'p12':
      return pkcs12TrustStore(certificates)
    case 'jks':
      return jksTrustStore(certificates, now)
    case 'mobileconfig':
      return Buffer.from(configurationProfile(der, name))
  }
}

/** An Apple configuration profile with one root. The identifiers come from the certificate: a profile installed twice is one. */
function configurationProfile(der: Buffer, name: string): string {
  const shown = escapeXml(name)
  const payload = [
    ['PayloadType', 'com.apple.security.root'],
    ['PayloadIdentifier', `sallyport.ca.${uuidOf('root', der)}`],
    ['PayloadUUID', uuidOf('root', der)],
    ['PayloadDisplayName', shown],
    ['PayloadCertificateFileName', 'sallyport-ca.cer'],
  ]
  const profile = [
    ['PayloadType', 'Configuration'],
    ['PayloadIdentifier', `sallyport.profile.${uuidOf('profile', der)}`],
    ['PayloadUUID', uuidOf('profile', der)],
    ['PayloadDisplayName', shown],
    ['PayloadDescription', 'Lets this device trust the local authority of Sallyport.'],
  ]
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
${strings(profile)}
<key>PayloadVersion</key><integer>1</integer>
<key>PayloadContent</key>
<array>
<dict>
${strings(payload)}
<key>PayloadVersion</key><integer>1</integer>
<key>PayloadContent</key>
<data>${der.toString('base64')}</data>
</dict>
</array>
</dict>
</plist>
`
}

function strings(entries: readonly (readonly string[])[]): string {
  return entries.map(([key, value]) => `<key>${key}</key><string>${value}</string>`).join('\n')
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** A UUID of version 8 (RFC 9562, 5.8) from a hash. */
function uuidOf(purpose: string, der: Buffer): string {
  const hash = createHash('sha256').update(purpose).update(der).digest()
  hash[6] = ((hash[6] as number) & 0x0f) | 0x80
  hash[8] = ((hash[8] as number) & 0x3f) | 0x80
  const hex = hash.toString('hex', 0, 16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`.toUpperCase()
}
