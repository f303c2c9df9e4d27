import { STORE_PASSWORD } from './java-store.ts'
import type { Machine, TrustStore } from './store.ts'

/** The `cacerts` of the Java that JAVA_HOME or the path names. */
export const java: TrustStore = {
  name: 'java',
  readers: 'programs of that Java, unless they bring a store of their own',
  available: (machine) => keytool(machine) !== undefined,
  places: (machine, { id, pemFile }) => {
    const program = keytool(machine) ?? 'keytool'
    // A Java under the home folder belongs to its user.
    const asRoot = !program.startsWith(`${machine.home}/`)
    const imported = ['-importcert', '-noprompt', '-trustcacerts', ...STORE, '-alias', id, '-file', pemFile]
    return [
      {
        check: [program, '-list', ...STORE, '-alias', id],
        install: [{ argv: [program, ...imported], asRoot }],
        uninstall: [{ argv: [program, '-delete', ...STORE, '-alias', id], asRoot }],
      },
    ]
  },
}

function keytool(machine: Machine): string | undefined {
  const home = machine.env['JAVA_HOME']
  const own = home === undefined || home === '' ? undefined : machine.program(`${home}/bin/keytool`)
  return own ?? machine.program('keytool')
}

const STORE = ['-cacerts', '-storepass', STORE_PASSWORD]
