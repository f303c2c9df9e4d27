import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importProblems, relativeImports } from '../../scripts/check-imports.ts'
import { rooms } from '../../scripts/rooms.ts'

const imports: [what: string, text: string, expected: string[]][] = [
  ['a value import', `import { a } from './a.ts'`, ['./a.ts']],
  ['a type import', `import type { A } from '../core/a.ts'`, ['../core/a.ts']],
  ['an import over several lines', `import {\n  a,\n  type B,\n} from './a.ts'`, ['./a.ts']],
  ['a namespace import', `import * as a from "./a.ts"`, ['./a.ts']],
  ['an import for its effects', `import './a.ts'`, ['./a.ts']],
  ['a re-export', `export { a } from './a.ts'`, ['./a.ts']],
  ['a re-export of all', `export * from './a.ts'`, ['./a.ts']],
  ['a dynamic import', `const a = await import('./a.ts')`, ['./a.ts']],
  ['a type by import()', `type A = import('./a.ts').A`, ['./a.ts']],
  ['a worker', `new Worker(new URL('./a.ts', import.meta.url))`, ['./a.ts']],
  ['packages', `import fs from 'node:fs'\nimport { z } from 'zod'`, []],
  ['comments', `// import { a } from './a.ts'\n/*\nimport './b.ts'\n*/\n/** import('./c.ts') */`, []],
  ['an exported value with a from in it', `export const from = './a.ts'\nexport function f(from = './b.ts') {}`, []],
]

for (const [what, text, expected] of imports) {
  test(`relative imports are found in ${what}`, () => assert.deepEqual(relativeImports(text), expected))
}

const walls: [what: string, files: Record<string, string>, problem: RegExp | undefined][] = [
  ['downwards is allowed', { 'src/engine/run.ts': `import '../policy/load.ts'`, 'src/policy/load.ts': '' }, undefined],
  ['within a room is allowed', { 'src/tls/ca.ts': `import './mint.ts'`, 'src/tls/mint.ts': '' }, undefined],
  ['the ground is open to all', { 'src/tls/ca.ts': `import '../lib/lru.ts'`, 'src/lib/lru.ts': '' }, undefined],
  ['main.ts may import cli', { 'src/main.ts': `import './cli/index.ts'`, 'src/cli/index.ts': '' }, undefined],
  ['app may import any room', { 'src/app/wire.ts': `import '../proxy/a.ts'`, 'src/proxy/a.ts': '' }, undefined],
  ['upwards', { 'src/tls/ca.ts': `import '../proxy/a.ts'`, 'src/proxy/a.ts': '' }, /tls may not import proxy/],
  ['same level', { 'src/tls/ca.ts': `import '../http/a.ts'`, 'src/http/a.ts': '' }, /tls may not import http/],
  [
    'door to door',
    { 'src/proxy/a.ts': `import type { B } from '../gateway/b.ts'`, 'src/gateway/b.ts': '' },
    /proxy may not import gateway/,
  ],
  ['core to lib', { 'src/core/a.ts': `import '../lib/b.ts'`, 'src/lib/b.ts': '' }, /core may not import lib/],
  [
    'lower, but not in the table',
    { 'src/upstream/a.ts': `import '../tls/b.ts'`, 'src/tls/b.ts': '' },
    /upstream may not import tls/,
  ],
  ['main.ts to another room', { 'src/main.ts': `import './tls/a.ts'`, 'src/tls/a.ts': '' }, /may import cli only/],
  ['an unknown room', { 'src/utils/a.ts': '' }, /room utils is not in/],
  ['a file that is not there', { 'src/tls/a.ts': `import './b.ts'` }, /does not exist/],
  [
    'a cycle',
    { 'src/tls/a.ts': `import './b.ts'`, 'src/tls/b.ts': `import type { A } from './a.ts'` },
    /cycle: src\/tls\/a.ts → src\/tls\/b.ts → src\/tls\/a.ts/,
  ],
  ['no files at all', {}, /no source files/],
]

for (const [what, files, problem] of walls) {
  test(`import walls: ${what}`, () => {
    const problems = importProblems(new Map(Object.entries(files)))
    if (problem === undefined) assert.deepEqual(problems, [])
    else assert.match(problems.join('\n'), problem)
  })
}

test('the table of rooms keeps its own law', () => {
  assert.deepEqual(importProblems(new Map([['src/core/a.ts', '']]), rooms), [])
  const broken = { ...rooms, tls: { level: 1, imports: ['proxy'] } }
  assert.match(
    importProblems(new Map([['src/core/a.ts', '']]), broken).join('\n'),
    /tls imports proxy, which is not lower/,
  )
})
