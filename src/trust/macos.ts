import { asRoot, asUser, type TrustStore } from './store.ts'

export const macos: TrustStore = {
  name: 'macos',
  readers: 'Safari, Chrome, Go, Swift, everything that asks the system',
  available: (machine) => machine.platform === 'darwin' && machine.program('security') !== undefined,
  install: (_machine, { pemFile }) => [
    asRoot('security', 'add-trusted-cert', '-d', '-r', 'trustRoot', '-k', KEYCHAIN, pemFile),
  ],
  uninstall: (_machine, { pemFile, sha1 }) => [
    asRoot('security', 'remove-trusted-cert', '-d', pemFile),
    asRoot('security', 'delete-certificate', '-Z', sha1, KEYCHAIN),
  ],
  check: (_machine, { pemFile }) => [asUser('security', 'verify-cert', '-L', '-l', '-p', 'basic', '-c', pemFile)],
}

const KEYCHAIN = '/Library/Keychains/System.keychain'
