import { asUser, type TrustStore } from './store.ts'

/** The user's own store: no administrator is needed, Windows asks once in a window. */
export const windows: TrustStore = {
  name: 'windows',
  readers: 'Edge, Chrome, PowerShell, .NET, SChannel curl, Go: of this user',
  available: (machine) => machine.platform === 'win32' && machine.program('certutil') !== undefined,
  install: (_machine, { pemFile }) => [asUser('certutil', '-user', '-addstore', 'Root', pemFile)],
  uninstall: (_machine, { sha1 }) => [asUser('certutil', '-user', '-delstore', 'Root', sha1)],
  check: (_machine, { sha1 }) => [asUser('certutil', '-user', '-store', 'Root', sha1)],
}
