import type { DocumentPath } from '../lib/schema-problems.ts'
import { nearest } from '../lib/nearest.ts'
import type { Config } from './schema.ts'
import { formatAddress } from './values.ts'
import type { Address } from './values.ts'

export type Inconsistency = {
  readonly path: DocumentPath
  readonly about: 'value'
  readonly message: string
  readonly hint?: string
}

/** What is wrong between settings that are right by themselves. */
export function inconsistencies(config: Config): Inconsistency[] {
  return checks.flatMap((check) => check(config))
}

type Check = (config: Config) => Inconsistency[]

const fault = (path: DocumentPath, message: string, hint?: string): Inconsistency => ({
  path,
  about: 'value',
  message,
  hint,
})

const eachAddressOnce: Check = ({ proxy, gateway, console }) => {
  const doors: readonly [DocumentPath, readonly Address[]][] = [
    [['proxy', 'listen'], proxy.listen],
    [['proxy', 'transparent'], proxy.transparent],
    [['gateway', 'listen'], gateway.listen],
    [['console', 'listen'], console.listen],
  ]
  const taken = new Map<string, DocumentPath>()
  return doors.flatMap(([path, addresses]) =>
    addresses.flatMap((address) => {
      const text = formatAddress(address)
      const other = taken.get(text)
      if (address.port === 0 || other === undefined) {
        taken.set(text, path)
        return []
      }
      return [fault(path, `${path.join('.')} has an address that ${other.join('.')} has already`)]
    }),
  )
}

const mutualTlsNeedsAuthorities: Check = ({ proxy }) =>
  proxy.auth === 'mtls' && (proxy.tls?.clientCa ?? []).length === 0
    ? [
        fault(
          ['proxy', 'auth'],
          'proxy.auth: mtls needs proxy.tls with the authorities of clients in proxy.tls.clientCa',
          'set proxy.tls: { cert, key, clientCa: [clients.pem] }',
        ),
      ]
    : []

const inlineIsWithinMaximum: Check = ({ audit: { bodies } }) =>
  bodies.inlineBytes > bodies.maxBytes
    ? [
        fault(
          ['audit', 'bodies', 'inlineBytes'],
          'audit.bodies.inlineBytes must not be more than audit.bodies.maxBytes',
        ),
      ]
    : []

const bodyKeysAreOfOneKind: Check = ({ audit: { encryption } }) =>
  (encryption?.keys ?? []).flatMap(({ id, file, env }, index, keys) => {
    const at = ['audit', 'encryption', 'keys', index]
    const named = `audit.encryption.keys[${index}]`
    const first = keys.findIndex((other) => other.id === id)
    return [
      ...(first < index ? [fault([...at, 'id'], `${named}.id is the id of audit.encryption.keys[${first}]`)] : []),
      ...((file === undefined) === (env === undefined)
        ? [fault(at, `${named} (${id}) needs either file or env`, 'the key is in a file or in an environment variable')]
        : []),
    ]
  })

const indexTellsNothingSealed: Check = ({ audit: { search, encryption } }) =>
  search && encryption !== null
    ? [
        fault(
          ['audit', 'search'],
          'audit.search cannot go with audit.encryption: the index would hold what is sealed, readable by anyone',
          'leave one of the two out: without an index `audit find --text` reads the bodies themselves',
        ),
      ]
    : []

const sinkNamesDiffer: Check = ({ audit }) => {
  const seen = new Set<string>()
  return audit.export.flatMap(({ name }, index) => {
    if (!seen.has(name)) {
      seen.add(name)
      return []
    }
    return [fault(['audit', 'export', index, 'name'], `audit.export[${index}].name is the name of another sink`)]
  })
}

const sinkCertificatesHaveKeys: Check = ({ audit }) =>
  audit.export.flatMap((sink, index) => {
    if (!('clientCert' in sink || 'clientKey' in sink)) return []
    const missing =
      sink.clientCert === undefined ? 'clientCert' : sink.clientKey === undefined ? 'clientKey' : undefined
    if (missing === undefined) return []
    const present = missing === 'clientCert' ? 'clientKey' : 'clientCert'
    return [fault(['audit', 'export', index, present], `audit.export[${index}].${present} needs ${missing} beside it`)]
  })

const targetsNameProviders: Check = ({ gateway }) => {
  const known = Object.keys(gateway.providers)
  return Object.entries(gateway.models).flatMap(([name, { targets }]) =>
    targets.flatMap(({ provider }, index) => {
      if (Object.hasOwn(gateway.providers, provider)) return []
      const close = nearest(provider, known)
      const path = ['gateway', 'models', name, 'targets', index, 'provider']
      const message = 'a target names a provider that is not in gateway.providers'
      return [fault(path, message, close === undefined ? undefined : `did you mean ${close}?`)]
    }),
  )
}

const attestationHasAudience: Check = ({ attestation }) =>
  attestation.accept && attestation.audience === null
    ? [
        fault(
          ['attestation', 'accept'],
          'attestation.accept needs attestation.audience, the name that devices sign for',
        ),
      ]
    : []

const signingHasParent: Check = ({ attestation, upstream }) =>
  attestation.sign !== null && upstream.proxy === null
    ? [fault(['attestation', 'sign'], 'attestation.sign needs upstream.proxy, the parent that it signs for')]
    : []

const signingFitsParent: Check = ({ attestation, upstream }) =>
  attestation.sign !== null && /^socks/i.test(upstream.proxy ?? '')
    ? [
        fault(
          ['attestation', 'sign'],
          'attestation.sign needs an upstream.proxy of http or https: SOCKS5 has no place for a token',
        ),
      ]
    : []

const checks: readonly Check[] = [
  eachAddressOnce,
  mutualTlsNeedsAuthorities,
  inlineIsWithinMaximum,
  indexTellsNothingSealed,
  bodyKeysAreOfOneKind,
  sinkNamesDiffer,
  sinkCertificatesHaveKeys,
  targetsNameProviders,
  attestationHasAudience,
  signingHasParent,
  signingFitsParent,
]
