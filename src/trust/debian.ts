import { asRoot, asUser, type Machine, type TrustStore } from './store.ts'

/** Debian, Ubuntu, Alpine, SUSE: a folder of anchors and `update-ca-certificates`. */
export const debian: TrustStore = {
  name: 'debian',
  readers: 'curl, git, OpenSSL, Go, .NET, system Python; Java of the distribution',
  available: (machine) => folderOf(machine) !== undefined && machine.program('update-ca-certificates') !== undefined,
  install: (machine, root) => [
    asRoot('install', '-m', '0644', root.pemFile, fileOf(machine, root.id)),
    asRoot('update-ca-certificates'),
  ],
  uninstall: (machine, root) => [
    asRoot('rm', '-f', fileOf(machine, root.id)),
    // Without --fresh the links to what is gone stay in /etc/ssl/certs.
    asRoot('update-ca-certificates', '--fresh'),
  ],
  check: (machine, root) => [asUser('cmp', '-s', root.pemFile, fileOf(machine, root.id))],
}

function fileOf(machine: Machine, id: string): string {
  return `${folderOf(machine) ?? FOLDERS[0]}/${id}.crt`
}

function folderOf(machine: Machine): string | undefined {
  return machine.platform === 'linux' ? FOLDERS.find((folder) => machine.exists(folder)) : undefined
}

const FOLDERS = ['/usr/local/share/ca-certificates', '/etc/pki/trust/anchors']
