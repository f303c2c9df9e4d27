import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commands } from '../../src/cli/index.ts'
import { commandLine } from '../support/command-line.ts'
import { tempFolder } from '../support/temp.ts'

test('commands have names of their own', () => {
  const names = commands.map(({ name }) => name)
  assert.equal(new Set(names).size, names.length)
})

for (const { name, summary, load } of commands) {
  test(`${name} says the same of itself before and after it is loaded`, async () => {
    const command = await load()
    assert.deepEqual([command.name, command.summary], [name, summary])
  })

  test(`${name} --help has an example and the options`, async () => {
    const { examples } = await load()
    assert.ok(examples.length > 0)
    const { status, stdout, stderr } = await commandLine([name, '--help'], { cwd: tempFolder('help') })
    assert.deepEqual([status, stderr], [0, ''])
    assert.match(stdout, new RegExp(`^Usage: sallyport ${name} `))
    for (const example of examples) assert.ok(stdout.includes(`  $ ${example}\n`), example)
  })

  test(`help ${name} is the same as ${name} --help`, async () => {
    const cwd = tempFolder('help')
    assert.deepEqual(await commandLine(['help', name], { cwd }), await commandLine([name, '--help'], { cwd }))
  })
}

test('the help lists every command', async () => {
  const { stdout } = await commandLine(['--help'], { cwd: tempFolder('help') })
  for (const { name } of commands) assert.match(stdout, new RegExp(`^  ${name} `, 'm'))
})
