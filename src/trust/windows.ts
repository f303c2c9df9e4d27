import { asUser, type TrustStore } from './store.ts'

/** The user's own store: no administrator is needed, Windows asks once in a window. */
export const windows: TrustStore = {
  name: 'windows',
  readers: 'Edge, Chrome, PowerShell, .NET, SChannel curl, Go: of this user',
  available: (machine) => machine.platform === 'win32' && machine.program('certutil') !== undefined,
  places: (_machine, { pemFile, sha1 }) => [
    {
      check: ['certutil', '-user', '-store', 'Root', sha1],
      install: [asUser('certutil', '-user', '-addstore', 'Root', pemFile)],
      uninstall: [asUser('certutil', '-user', '-delstore', 'Root', sha1)],
    },
  ],
}
