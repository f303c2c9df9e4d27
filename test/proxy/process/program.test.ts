import assert from 'node:assert/strict'
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { programOf } from '../../../src/proxy/process/program.ts'
import { tempFolder } from '../../support/temp.ts'

/** A /proc with one process, 7, whose working folder has these files. */
function fakeProc(executable: string | null, words: readonly string[]) {
  const proc = tempFolder('proc')
  const [folder, work] = [join(proc, '7'), join(proc, 'here')]
  mkdirSync(join(folder), { recursive: true })
  mkdirSync(join(work, 'a b'), { recursive: true })
  for (const file of ['app.py', 'a b/x.js']) writeFileSync(join(work, file), '')
  if (executable !== null) symlinkSync(executable, join(folder, 'exe'))
  writeFileSync(join(folder, 'comm'), 'worker\n')
  symlinkSync(work, join(folder, 'cwd'))
  symlinkSync('/', join(folder, 'root'))
  writeFileSync(join(folder, 'cmdline'), words.map((word) => `${word.replaceAll('$W', work)}\0`).join(''))
  return { proc, work }
}

const python = '/usr/bin/python3.12'
const node = '/opt/node/bin/node'
const cases: readonly [string, string | null, readonly string[], string][] = [
  [
    'a program is its executable',
    '/usr/bin/curl',
    ['curl', '-H', 'Authorization: Bearer sk-1', 'app.py'],
    '/usr/bin/curl',
  ],
  ['one that was replaced since is the same', '/usr/bin/curl (deleted)', ['curl'], '/usr/bin/curl'],
  ['an interpreter is told with its script', python, ['python3', 'app.py', '--key', 'sk-1'], `${python} $W/app.py`],
  ['the script may be named in full', python, ['python3', '$W/app.py'], `${python} $W/app.py`],
  ['the way to it is made plain', python, ['python3', '../here/./app.py'], `${python} $W/app.py`],
  [
    'options before the script are passed over',
    python,
    ['python3', '-u', '-X', 'dev', 'app.py'],
    `${python} $W/app.py`,
  ],
  ['blanks are part of a name', node, ['node', '--enable-source-maps', 'a b/x.js', 'sk-1'], `${node} $W/a b/x.js`],
  ['what an option takes is not the script', node, ['node', '--import', 'app.py', 'a b/x.js'], `${node} $W/a b/x.js`],
  ['code is not told', python, ['python3', '-c', 'app.py'], python],
  ['nor code behind other letters', python, ['python3', '-Bc', 'app.py'], python],
  ['nor code behind a long option', node, ['node', '--eval', 'app.py'], node],
  ['nor code in a long option', node, ['node', '--print=1', 'app.py'], node],
  ['nor a module', python, ['python3', '-m', 'http.server', 'app.py'], python],
  ['nor what comes from standard input', python, ['python3', '-', 'app.py'], python],
  ['what is not a file is not told', python, ['python3', 'sk-1', 'app.py'], python],
  ['nor is a folder', node, ['node', 'a b'], node],
  ['nor is what follows a command of a shell', '/bin/bash', ['bash', '-ec', 'app.py'], '/bin/bash'],
  ['a shell script is told', '/bin/bash', ['bash', '-o', 'pipefail', 'app.py', 'sk-1'], '/bin/bash $W/app.py'],
  ['an interpreter by itself is told by itself', node, ['node'], node],
  ['without an executable the name of the process has to do', null, ['x'], 'worker'],
  ['control characters are not told', '/tmp/a\u001b[31m\nb', ['x'], '/tmp/a?[31m?b'],
  ['what is very long is cut', `/${'x'.repeat(600)}`, ['x'], `/${'x'.repeat(511)}`],
]
for (const [name, executable, words, expected] of cases) {
  test(name, () => {
    const { proc, work } = fakeProc(executable, words)
    assert.equal(programOf('7', proc), expected.replaceAll('$W', work))
  })
}

test('a process that is gone has no program', () => {
  const { proc } = fakeProc(python, ['python3', 'app.py'])
  rmSync(join(proc, '7'), { recursive: true })
  assert.equal(programOf('7', proc), undefined)
})

test('a script is looked for where the process has its root', () => {
  const { proc } = fakeProc(python, ['python3', '/srv/inside.py'])
  const root = join(proc, 'inner')
  mkdirSync(join(root, 'srv'), { recursive: true })
  writeFileSync(join(root, 'srv/inside.py'), '')
  rmSync(join(proc, '7/root'))
  symlinkSync(root, join(proc, '7/root'))
  assert.equal(programOf('7', proc), `${python} /srv/inside.py`)
})

test('this program is Node with this file', { skip: process.platform !== 'linux' && 'there is no /proc' }, () => {
  const told = programOf(String(process.pid))
  assert.ok(told?.startsWith(process.execPath), String(told))
})
