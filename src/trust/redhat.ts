import { asRoot, asUser, type Machine, type TrustStore } from './store.ts'

/** Fedora, Red Hat, Arch: a folder of anchors and `update-ca-trust`. */
export const redhat: TrustStore = {
  name: 'redhat',
  readers: 'curl, git, OpenSSL, GnuTLS, Go, .NET, system Python; Java and NSS of the distribution',
  available: (machine) => folderOf(machine) !== undefined && machine.program('update-ca-trust') !== undefined,
  install: (machine, root) => [
    asRoot('install', '-m', '0644', root.pemFile, fileOf(machine, root.id)),
    asRoot('update-ca-trust', 'extract'),
  ],
  uninstall: (machine, root) => [asRoot('rm', '-f', fileOf(machine, root.id)), asRoot('update-ca-trust', 'extract')],
  check: (machine, root) => [asUser('cmp', '-s', root.pemFile, fileOf(machine, root.id))],
}

function fileOf(machine: Machine, id: string): string {
  return `${folderOf(machine) ?? FOLDERS[0]}/${id}.pem`
}

function folderOf(machine: Machine): string | undefined {
  return machine.platform === 'linux' ? FOLDERS.find((folder) => machine.exists(folder)) : undefined
}

const FOLDERS = ['/etc/pki/ca-trust/source/anchors', '/etc/ca-certificates/trust-source/anchors']
