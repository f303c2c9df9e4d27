import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { compileKeywords, ruleBook } from '../../src/detect/index.ts'
import { defineHook } from '../../src/inspect/hook.ts'
import type { ExchangeFacts, Hook } from '../../src/inspect/hook.ts'
import { formatProblem } from '../../src/lib/yaml-strict.ts'
import { compilePolicies } from '../../src/policy/compile.ts'
import type { CompileSources } from '../../src/policy/compile.ts'
import { readPolicyFile } from '../../src/policy/files.ts'
import type { ReadPolicy } from '../../src/policy/files.ts'
import type { PolicySet } from '../../src/policy/match.ts'
import { tempFolder } from '../support/temp.ts'

/** A detector of words, as the real one is, and judges that say what their options tell them to. */
const someHooks: readonly Hook[] = [
  defineHook({
    name: 'words',
    stages: ['request', 'response'],
    options: z.strictObject({ words: z.array(z.string()).default([]), file: z.string().optional() }),
    create: ({ words, file }, env) => {
      const listed = file === undefined ? [] : env.readFile(file).split('\n').filter(Boolean)
      const rules = compileKeywords({ words: [...words, ...listed], patterns: [], caseSensitive: false, name: 'list' })
      return { rules }
    },
  }),
  defineHook({
    name: 'says',
    stages: ['request'],
    options: z.strictObject({ verdict: z.enum(['allow', 'flag', 'redact', 'block']) }),
    create: ({ verdict }) => ({ inspect: () => ({ verdict, findings: [] }) }),
  }),
  defineHook({
    name: 'elsewhere',
    stages: ['request', 'response'],
    options: z.strictObject({}),
    create: () => ({ live: true, inspect: () => Promise.reject(new Error('asked')) }),
  }),
  defineHook({
    name: 'textless',
    stages: ['request', 'response'],
    options: z.strictObject({}),
    create: () => ({ textless: true, inspect: () => ({ verdict: 'block', findings: [] }) }),
  }),
  defineHook({
    name: 'fails',
    stages: ['request', 'response'],
    options: z.strictObject({}),
    create: () => ({ inspect: () => Promise.reject(new Error('down')) }),
  }),
]

export const sources: CompileSources = {
  hooks: someHooks,
  book: ruleBook([]),
  catalogue: ['api.openai.com', '*.azure.example'],
  now: () => 0,
}

/** Writes files into a new folder and gives its path. */
export function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = tempFolder('policy')
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

export async function readAll(...texts: string[]): Promise<ReadPolicy[]> {
  const names = texts.map((_, index) => `${index}.yaml`)
  const folder = folderOf(Object.fromEntries(names.map((name, index) => [name, texts[index] ?? ''])))
  const read: ReadPolicy[] = []
  for (const name of names) {
    const file = await readPolicyFile(join(folder, name))
    if ('problems' in file) throw new Error(file.problems.map(formatProblem).join('\n'))
    read.push({ ...file, path: join(folder, name), document: { ...file.document, file: name } })
  }
  return read
}

/** The texts as policy files 0.yaml, 1.yaml, …, compiled. */
export async function setOf(...texts: string[]): Promise<PolicySet> {
  const set = compilePolicies(await readAll(...texts), sources)
  assert.ok(!('problems' in set), JSON.stringify(set))
  return set
}

export async function problemsOf(...texts: string[]): Promise<string[]> {
  const set = compilePolicies(await readAll(...texts), sources)
  return 'problems' in set ? set.problems.map(formatProblem) : []
}

export const connection = { host: 'api.openai.com', port: 443, clientIp: '127.0.0.1', principal: null }

export const facts: ExchangeFacts = {
  door: 'proxy',
  clientIp: '127.0.0.1',
  principal: null,
  host: 'api.openai.com',
  port: '443',
  path: '/v1/chat/completions',
  method: 'POST',
  provider: 'openai',
  operation: 'chat',
  model: 'gpt-4o-mini',
}
