import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { outsideConstraints, pemCertificates } from '../tls/authority.ts'
import { caPaths } from '../tls/ca.ts'
import { readPermitted } from '../tls/name-constraints.ts'
import type { Permitted } from '../tls/name-constraints.ts'
import { OID, readIssuer } from '../tls/x509.ts'
import type { Problem } from '../lib/yaml-strict.ts'
import { inspectingEntries } from '../policy/match.ts'
import type { PolicySet } from '../policy/match.ts'

/** The intercept entries that inspect hosts for which the CA in `caFolder` may not vouch. None when there is no CA yet. */
export async function unvouchedHosts(set: PolicySet, caFolder: string): Promise<Problem[]> {
  const { certificatePath } = caPaths(caFolder)
  const pem = await readFile(certificatePath, 'utf8').catch(() => undefined)
  if (pem === undefined) return []
  const permitted = permittedBy(pem)
  return inspectingEntries(set.entries).flatMap(({ file, line, patterns }) => {
    const outside = outsideConstraints(patterns, { permitted })
    if (outside.length === 0) return []
    const shown =
      outside.length > 3 ? `${outside.slice(0, 3).join(', ')} and ${outside.length - 3} more` : outside.join(', ')
    const message = `the CA may not vouch for ${shown}`
    return [{ file: file ?? certificatePath, line: line || 1, column: 1, path: 'intercept', message, hint: HINT }]
  })
}

function permittedBy(pem: string): Permitted {
  const certificate = new X509Certificate(pemCertificates(pem)[0] ?? '')
  return readPermitted(readIssuer(certificate.raw).extension(OID.nameConstraints))
}

const HINT = '`sallyport ca rotate` makes a CA for the hosts that policy inspects now'
