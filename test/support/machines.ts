import type { Machine, Root } from '../../src/trust/store.ts'

/** A machine as data: which programs, files and folders it has. */
export function machineWith(facts: {
  readonly platform?: NodeJS.Platform
  readonly home?: string
  readonly env?: Readonly<Record<string, string>>
  readonly programs?: readonly string[]
  readonly files?: readonly string[]
  readonly superuser?: boolean
}): Machine {
  const { platform = 'linux', home = '/home/ana', env = {}, programs = [], files = [], superuser = false } = facts
  const under = (folder: string): string[] =>
    files.filter((file) => file.startsWith(`${folder}/`)).map((file) => file.slice(folder.length + 1).split('/', 1)[0]!)
  return {
    platform,
    home,
    env,
    superuser,
    program: (name) => programs.find((path) => path === name || path.endsWith(`/${name}`)),
    exists: (path) => files.includes(path) || under(path).length > 0,
    list: (folder) => [...new Set(under(folder))],
  }
}

export const exampleRoot: Root = {
  pemFile: '/data/certs/ca.pem',
  name: 'Sallyport CA box 2026-01-02 (0123abcd)',
  id: 'sallyport-0123abcd',
  sha1: 'AB'.repeat(20),
}
