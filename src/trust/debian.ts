import { asRoot, type Machine, type TrustStore } from './store.ts'

/** Debian, Ubuntu, Alpine, SUSE: a folder of anchors and `update-ca-certificates`. */
export const debian: TrustStore = {
  name: 'debian',
  readers: 'curl, git, OpenSSL, Go, .NET, system Python; Java of the distribution',
  available: (machine) => folderOf(machine) !== undefined && machine.program('update-ca-certificates') !== undefined,
  places: (machine, { id, pemFile }) => {
    const file = `${folderOf(machine) ?? FOLDERS[0]}/${id}.crt`
    return [
      {
        check: ['cmp', '-s', pemFile, file],
        install: [asRoot('install', '-m', '0644', pemFile, file), asRoot('update-ca-certificates')],
        // Without --fresh the links to what is gone stay in /etc/ssl/certs.
        uninstall: [asRoot('rm', '-f', file), asRoot('update-ca-certificates', '--fresh')],
      },
    ]
  },
}

function folderOf(machine: Machine): string | undefined {
  return machine.platform === 'linux' ? FOLDERS.find((folder) => machine.exists(folder)) : undefined
}

const FOLDERS = ['/usr/local/share/ca-certificates', '/etc/pki/trust/anchors']
