import { readFileSync, readlinkSync, statSync } from 'node:fs'
import { basename, isAbsolute, join, normalize } from 'node:path'

/**
 * The program that a process runs: the path of its executable; for an interpreter, a space and the path of its script behind it. Nothing
 * else of its command line is told. Undefined when the process is gone or not ours to look at.
 */
export function programOf(pid: string, proc = '/proc'): string | undefined {
  const folder = `${proc}/${pid}`
  const executable = tried(() => readlinkSync(`${folder}/exe`).replace(/ \(deleted\)$/, ''))
  if (executable === undefined) return printable(tried(() => readFileSync(`${folder}/comm`, 'utf8').trimEnd()))
  const script = tried(() => scriptOf(folder, executable))
  return printable(script === undefined ? executable : `${executable} ${script}`)
}

/** The first word that is no option, when it is a file. Options that take code or the name of a module end the search. */
function scriptOf(folder: string, executable: string): string | undefined {
  const [, options] = interpreters.find(([name]) => name.test(basename(executable))) ?? []
  if (options === undefined) return undefined
  const words = readFileSync(`${folder}/cmdline`, 'latin1').slice(0, maxCommandLine).split('\0').slice(1)
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i] as string
    if (options.code.test(word)) return undefined
    if (!word.startsWith('-')) return fileNamed(folder, Buffer.from(word, 'latin1').toString('utf8'))
    if (options.valued.includes(word)) i += 1
  }
  return undefined
}

function fileNamed(folder: string, name: string): string | undefined {
  const path = isAbsolute(name) ? normalize(name) : join(readlinkSync(`${folder}/cwd`), name)
  // As the process sees it: it may have another root.
  return statSync(join(folder, 'root', path)).isFile() ? path : undefined
}

function tried<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

function printable(text: string | undefined): string | undefined {
  return text?.replaceAll(/\p{C}/gu, '?').slice(0, maxLength)
}

type Options = {
  /** Options behind which there is no script. */
  readonly code: RegExp
  /** Options whose value is the next word. */
  readonly valued: readonly string[]
}

const javaScript: Options = {
  code: /^(?:-$|-\w*[ep]|--eval\b|--print\b|--run\b)/,
  valued: ['-r', '--require', '--import', '--loader', '--experimental-loader', '-C', '--conditions', '--env-file'],
}
const shell: Options = { code: /^(?:-$|-\w*[cs])/, valued: ['-o', '+o', '-O', '+O', '--rcfile', '--init-file'] }
const interpreters: readonly (readonly [RegExp, Options])[] = [
  [/^(?:python|pypy)[\d.]*$/, { code: /^(?:-$|-\w*[cm])/, valued: ['-W', '-X', '--check-hash-based-pycs'] }],
  [/^(?:node|nodejs|bun)$/, javaScript],
  [/^(?:bash|dash|sh|zsh|ksh)$/, shell],
  [/^(?:ruby|perl)[\d.]*$/, { code: /^(?:-$|-\w*[eE])/, valued: ['-I', '-r', '-C'] }],
  [/^php[\d.]*$/, { code: /^(?:-$|-[rBRF])/, valued: ['-c', '-d', '-z'] }],
]
const maxCommandLine = 65_536
const maxLength = 512
