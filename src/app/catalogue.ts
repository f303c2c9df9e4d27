import { catalogueHosts, identify } from '../providers/identify.ts'

export { catalogueHosts }

/** The provider that exchanges with this host and path are taken for, by name. */
export function providerAt(about: { readonly host: string; readonly port: number; readonly path: string }): string {
  return identify({ scheme: 'https', query: '', ...about }, 'POST').provider.name
}
