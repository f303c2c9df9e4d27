import { commandLine, type Printed } from './command-line.ts'

/** `sallyport attest …` in a folder. */
export function attestIn(cwd: string): (...args: string[]) => Promise<Printed> {
  return (...args) => commandLine(['attest', ...args], { cwd })
}

/** Makes a key file in the folder; gives the public key. */
export async function keyIn(cwd: string, file = 'device.pem'): Promise<string> {
  const { status, stdout, stderr } = await attestIn(cwd)('keygen', '--out', file)
  if (status !== 0) throw new Error(stderr)
  return stdout.trim()
}
