import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { readRegularFile } from '../lib/regular-file.ts'
import { problemAt, readYaml, validateYaml } from '../lib/yaml-strict.ts'
import type { Problem, YamlDocument } from '../lib/yaml-strict.ts'
import { PolicyFile } from './schema.ts'

/** A policy file that was read: its content, and where each entry stands. */
export type ReadPolicy = {
  readonly path: string
  readonly content: PolicyFile
  readonly document: YamlDocument
}

/** The policy files of a folder in the order they are read: by name. Rejects when the folder cannot be listed. */
export async function policyFilesIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory() && isPolicyFile(entry.name))
    .map((entry) => entry.name)
    .sort()
    .map((name) => join(dir, name))
}

/** Whether a name in the folder is one that is read; editors leave others beside it. */
export function isPolicyFile(name: string): boolean {
  return /\.ya?ml$/.test(name) && !basename(name).startsWith('.')
}

/** Reads one file, strictly. */
export async function readPolicyFile(path: string): Promise<ReadPolicy | { readonly problems: readonly Problem[] }> {
  let text: string
  try {
    text = readRegularFile(path)
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
    return { problems: [{ file: path, line: 1, column: 1, path: '', message: `cannot be read: ${reason}` }] }
  }
  const document = readYaml(text, path)
  if ('problems' in document) return document
  const checked = validateYaml(document, PolicyFile)
  return 'problems' in checked ? checked : { path, content: checked.value, document }
}

/** Names that occur twice, over all files: each later place. */
export function repeatedNames(files: readonly ReadPolicy[], list: 'rules' | 'tests'): Problem[] {
  const first = new Map<string, string>()
  const problems: Problem[] = []
  for (const { path, content, document } of files) {
    for (const [index, { name }] of (content[list] ?? []).entries()) {
      const known = first.get(name)
      const what = list === 'rules' ? 'rule' : 'test'
      if (known === undefined) first.set(name, path)
      else
        problems.push(problemAt(document, [list, index, 'name'], `the ${what} ${name} is already there`, `in ${known}`))
    }
  }
  return problems
}
