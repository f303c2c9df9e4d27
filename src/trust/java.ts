import { type Machine, type Step, type TrustStore } from './store.ts'
import { STORE_PASSWORD } from './java-store.ts'

/** The `cacerts` of the Java that JAVA_HOME or the path names. */
export const java: TrustStore = {
  name: 'java',
  readers: 'programs of that Java, unless they bring a store of their own',
  available: (machine) => keytool(machine) !== undefined,
  install: (machine, { id, pemFile }) => [
    step(machine, true, '-importcert', '-noprompt', '-trustcacerts', ...STORE, '-alias', id, '-file', pemFile),
  ],
  uninstall: (machine, { id }) => [step(machine, true, '-delete', ...STORE, '-alias', id)],
  check: (machine, { id }) => [step(machine, false, '-list', ...STORE, '-alias', id)],
}

/** A Java under the home folder belongs to its user. */
function step(machine: Machine, writes: boolean, ...args: string[]): Step {
  const program = keytool(machine) ?? 'keytool'
  return { argv: [program, ...args], asRoot: writes && !program.startsWith(`${machine.home}/`) }
}

function keytool(machine: Machine): string | undefined {
  const home = machine.env['JAVA_HOME']
  const own = home === undefined || home === '' ? undefined : machine.program(`${home}/bin/keytool`)
  return own ?? machine.program('keytool')
}

const STORE = ['-cacerts', '-storepass', STORE_PASSWORD]
