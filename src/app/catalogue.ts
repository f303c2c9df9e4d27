import { catalogueHosts, identify } from '../providers/identify.ts'
import { compatible, generic, providers } from '../providers/index.ts'

export { catalogueHosts }

/** The provider that exchanges with this host and path are taken for, by name. */
export function providerAt(about: { readonly host: string; readonly port: number; readonly path: string }): string {
  return identify({ scheme: 'https', query: '', ...about }, 'POST').provider.name
}

/** The names that a provider can have in the ledger. */
export const providerNames: readonly string[] = [...providers, ...compatible, generic].map(({ name }) => name)
