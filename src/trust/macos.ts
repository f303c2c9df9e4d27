import { asRoot, type TrustStore } from './store.ts'

export const macos: TrustStore = {
  name: 'macos',
  readers: 'Safari, Chrome, Go, Swift, everything that asks the system',
  available: (machine) => machine.platform === 'darwin' && machine.program('security') !== undefined,
  places: (_machine, { pemFile, sha1 }) => [
    {
      check: ['security', 'verify-cert', '-L', '-l', '-p', 'basic', '-c', pemFile],
      install: [asRoot('security', 'add-trusted-cert', '-d', '-r', 'trustRoot', '-k', KEYCHAIN, pemFile)],
      uninstall: [
        asRoot('security', 'remove-trusted-cert', '-d', pemFile),
        asRoot('security', 'delete-certificate', '-Z', sha1, KEYCHAIN),
      ],
    },
  ],
}

const KEYCHAIN = '/Library/Keychains/System.keychain'
