import { asUser, type Machine, type TrustStore } from './store.ts'

/** The databases of Firefox profiles and of Chromium on Linux, each its own. */
export const nss: TrustStore = {
  name: 'nss',
  readers: 'Firefox, Chromium on Linux',
  available: (machine) => {
    if (machine.platform === 'win32' || databases(machine).length === 0) return false
    if (machine.program('certutil') !== undefined) return true
    return 'certutil is missing: install libnss3-tools (Debian), nss-tools (Fedora), nss (Homebrew, Arch)'
  },
  places: (machine, { name, pemFile }) =>
    databases(machine).map((database) => ({
      check: ['certutil', '-V', '-d', database, '-u', 'L', '-n', name],
      install: [asUser('certutil', '-A', '-d', database, '-t', 'C,,', '-n', name, '-i', pemFile)],
      uninstall: [asUser('certutil', '-D', '-d', database, '-n', name)],
    })),
}

function databases({ home, exists, list }: Machine): string[] {
  const profiles = PROFILE_FOLDERS.flatMap((folder) => list(`${home}/${folder}`).map((name) => `${folder}/${name}`))
  return [...SHARED, ...profiles].flatMap((folder) => {
    const path = `${home}/${folder}`
    if (exists(`${path}/cert9.db`)) return [`sql:${path}`]
    return exists(`${path}/cert8.db`) ? [`dbm:${path}`] : []
  })
}

const SHARED = ['.pki/nssdb', 'snap/chromium/current/.pki/nssdb']
const PROFILE_FOLDERS = [
  '.mozilla/firefox',
  'snap/firefox/common/.mozilla/firefox',
  '.var/app/org.mozilla.firefox/.mozilla/firefox',
  'Library/Application Support/Firefox/Profiles',
]
