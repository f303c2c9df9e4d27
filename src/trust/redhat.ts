import { asRoot, type Machine, type TrustStore } from './store.ts'

/** Fedora, Red Hat, Arch: a folder of anchors and `update-ca-trust`. */
export const redhat: TrustStore = {
  name: 'redhat',
  readers: 'curl, git, OpenSSL, GnuTLS, Go, .NET, system Python; Java and NSS of the distribution',
  available: (machine) => folderOf(machine) !== undefined && machine.program('update-ca-trust') !== undefined,
  places: (machine, { id, pemFile }) => {
    const file = `${folderOf(machine) ?? FOLDERS[0]}/${id}.pem`
    return [
      {
        check: ['cmp', '-s', pemFile, file],
        install: [asRoot('install', '-m', '0644', pemFile, file), asRoot('update-ca-trust', 'extract')],
        uninstall: [asRoot('rm', '-f', file), asRoot('update-ca-trust', 'extract')],
      },
    ]
  },
}

function folderOf(machine: Machine): string | undefined {
  return machine.platform === 'linux' ? FOLDERS.find((folder) => machine.exists(folder)) : undefined
}

const FOLDERS = ['/etc/pki/ca-trust/source/anchors', '/etc/ca-certificates/trust-source/anchors']
