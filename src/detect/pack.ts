import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LineCounter, parseDocument } from 'yaml'
import type { Document } from 'yaml'
import { z } from 'zod'
import { SallyportError } from '../core/errors.ts'
import { severities } from '../core/verdict.ts'
import { readRegularFile } from '../lib/regular-file.ts'
import { readPlainYaml } from '../lib/plain-yaml.ts'
import { checksums } from './checksums.ts'

/** What makes the engine try a rule, where a keyword is not enough. */
const triggers = ['assign', 'at', 'colon', 'digits', 'phone', 'url'] as const

const Context = z.strictObject({
  /** Looked for before the value, whole words, in any case. */
  words: z.array(z.string().min(1)).min(1),
  within: z.int().min(1).max(128).default(60),
  /** Without one of the words there is no match. */
  required: z.boolean().default(false),
  /** Added to the confidence when a word is there. */
  boost: z.number().min(0).max(1).default(0),
  /** One of these before the value, and there is no match. */
  not: z.array(z.string().min(1)).default([]),
})

const Rule = z
  .strictObject({
    id: z.string().regex(/^[a-z0-9][a-z0-9-]*$/),
    type: z.string().regex(/^[A-Z][A-Z0-9_]*(?::[a-z0-9][a-z0-9-]*)?$/),
    pattern: z.string().min(1),
    keywords: z.array(z.string().min(1)).default([]),
    trigger: z.enum(triggers).optional(),
    checksum: z.enum(Object.keys(checksums) as [string, ...string[]]).optional(),
    entropy: z.number().min(0).max(8).optional(),
    group: z.int().min(1).optional(),
    context: Context.optional(),
    confidence: z.number().min(0).max(1),
    severity: z.enum(severities),
    examples: z.strictObject({ match: z.array(z.string()).min(1), noMatch: z.array(z.string()).min(1) }),
  })
  .refine((rule) => rule.keywords.length > 0 || (rule.trigger !== undefined && rule.trigger !== 'assign'), {
    error: 'a rule needs keywords, or a trigger of its own',
    path: ['keywords'],
  })
  .refine((rule) => rule.keywords.every((keyword) => keyword === keyword.toLowerCase()), {
    error: 'keywords are written in lower case',
    path: ['keywords'],
  })

const Pack = z
  .strictObject({
    id: z.string().regex(/^[a-z0-9][a-z0-9-]*$/),
    version: z.union([z.string(), z.number()]).transform(String),
    rules: z.array(Rule),
  })
  .refine((pack) => new Set(pack.rules.map((rule) => rule.id)).size === pack.rules.length, {
    error: 'two rules have the same id',
    path: ['rules'],
  })

export type Rule = z.infer<typeof Rule>
export type Pack = z.infer<typeof Pack>

/** `file` is for messages only. Throws SallyportError `policy_invalid` with file, line and column. */
export function parsePack(text: string, file: string): Pack {
  const plain = Pack.safeParse(readPlainYaml(text))
  return plain.success ? plain.data : parseWithPlaces(text, file)
}

/** For packs that are not written plainly, and for those that are wrong: where, only a whole tree can tell. */
function parseWithPlaces(text: string, file: string): Pack {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const broken = document.errors[0]
  if (broken !== undefined) throw invalid(file, lines, broken.pos[0], broken.message.split('\n')[0] ?? '', broken)
  const parsed = Pack.safeParse(document.toJS())
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0] as z.core.$ZodIssue
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] as string] : issue.path
  throw invalid(file, lines, offsetOf(document, path), `${spelled(path)}${issue.message}`, parsed.error)
}

/**
 * All packs of the folders (`*.yaml`, by name); one of a later folder replaces one of the same id. A missing folder is empty. `parse`
 * may throw for what it does not like.
 */
export function loadPacks(folders: readonly string[], parse: (text: string, file: string) => Pack = parsePack): Pack[] {
  const packs = new Map<string, Pack>()
  for (const folder of folders) {
    const ids = new Set<string>()
    for (const file of yamlFiles(folder)) {
      const pack = parse(readRegularFile(file), file)
      if (ids.has(pack.id))
        throw new SallyportError('policy_invalid', `${file}: another pack in this folder has the id ${pack.id}`)
      ids.add(pack.id)
      packs.set(pack.id, pack)
    }
  }
  return [...packs.values()]
}

/** The folder of the program's own packs. */
export function packsFolder(): string {
  return fileURLToPath(new URL('../../policies/packs', import.meta.url))
}

function yamlFiles(folder: string): string[] {
  try {
    const names = readdirSync(folder)
      .filter((name) => name.endsWith('.yaml'))
      .toSorted()
    return names.map((name) => join(folder, name))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new SallyportError('policy_invalid', `${folder}: the packs cannot be read`, { cause })
  }
}

function invalid(file: string, lines: LineCounter, offset: number, message: string, cause: unknown): SallyportError {
  const { line, col } = lines.linePos(offset)
  return new SallyportError('policy_invalid', `${file}:${line}:${col}: ${message}`, { cause })
}

/** Where the node of a path stands, or the nearest one above it that exists. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length--) {
    const node: unknown = document.getIn(path.slice(0, length), true)
    const range = typeof node === 'object' && node !== null && 'range' in node ? (node.range as [number] | null) : null
    if (range) return range[0]
  }
  return 0
}

function spelled(path: readonly PropertyKey[]): string {
  return path.length === 0 ? '' : `${path.map(String).join('.')}: `
}
