import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { chainColumns } from '../../store/chain.ts'

/**
 * The text of a program that verifies a bundle with nothing but Node: our own modules, their types taken out, one after the other in one
 * file. They import only Node and each other, and share one name space.
 */
export function verifierText(): string {
  const imported = new Map([['node:path', new Set(['dirname'])]])
  const bodies = modules.map((name) => withoutImports(sourceOf(name), imported))
  const imports = [...imported].map(([from, names]) => `import { ${[...names].join(', ')} } from '${from}'`)
  const columns = JSON.stringify(chainColumns)
  const start = `const here = dirname(fileURLToPath(import.meta.url))\nprocess.exitCode = await main(process.argv.slice(2), here, ${columns})`
  return [
    '#!/usr/bin/env node',
    '// Verifies the bundle that this file stands in, or the one whose folder is named: node verify.mjs --help',
    ...imports,
    `import { fileURLToPath } from 'node:url'`,
    ...bodies,
    start,
    '',
  ].join('\n')
}

// In the published package they are JavaScript already.
function sourceOf(name: string): string {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
  const text = readFileSync(new URL(`../verify/${name}${extension}`, import.meta.url), 'utf8')
  return extension === '.ts' ? stripTypeScriptTypes(text) : text
}

function withoutImports(text: string, imported: Map<string, Set<string>>): string {
  const code = text.replaceAll(/^import\s*\{([^}]*)\}\s*from\s*'([^']+)'\s*;?$/gm, (_, names: string, from: string) => {
    if (from.startsWith('.')) return ''
    const known = imported.get(from) ?? new Set()
    for (const name of names.split(',').map((one) => one.trim())) if (name !== '') known.add(name)
    imported.set(from, known)
    return ''
  })
  return code
    .replaceAll(/^export (?=(?:async )?(?:function|const|let|class)\b)/gm, '')
    .replaceAll(/[ \t]+$/gm, '')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim()
}

const modules = ['faults', 'statement', 'checkpoints', 'rows', 'core', 'bundle', 'report', 'main']
