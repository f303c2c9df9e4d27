import { SallyportError } from '../core/errors.ts'
import { checkConfig } from '../config/load.ts'
import type { CliCommand, Io } from './command.ts'
import type { Check, Finding } from './doctor/check.ts'
import { checks } from './doctor/checks.ts'
import { painter, printable, printJson, write } from './output.ts'
import type { Colour } from './output.ts'

type Options = { readonly config?: string; readonly json?: boolean }
type Named = Finding & { readonly name: string }

export const doctor: CliCommand = {
  name: 'doctor',
  summary: 'find what is wrong with this machine or set-up',
  examples: ['sallyport doctor', 'sallyport doctor --json'],
  build: (command, io, run) => {
    command
      .option('-c, --config <file>', 'configuration file (default: sallyport.yaml, if there is one)')
      .option('--json', 'print JSON lines')
      .action(run((options: Options) => examine(options, io)))
  },
}

async function examine(options: Options, io: Io): Promise<number> {
  const configuration = checkConfig({ file: options.config, env: io.env, cwd: io.cwd })
  const config = 'problems' in configuration ? null : configuration.config
  const findings: Named[] = []
  for (const check of checks) {
    if (check.needs === 'config') {
      if (config !== null) findings.push(await outcome(check.name, () => check.run({ config, io })))
    } else {
      findings.push(await outcome(check.name, () => check.run({ configuration, io })))
    }
  }
  if (options.json === true) await printJson(io, ...findings)
  else await write(io.stdout, report(findings, checks, io))
  return findings.some(({ status }) => status === 'fail') ? 1 : 0
}

/** A check that cannot run is not a check that passed. */
async function outcome(name: string, run: () => Promise<Finding>): Promise<Named> {
  try {
    return { name, ...(await run()) }
  } catch (thrown) {
    if (thrown instanceof SallyportError) return { name, status: 'fail', message: thrown.message, hint: thrown.hint }
    return { name, status: 'fail', message: thrown instanceof Error ? thrown.message : String(thrown) }
  }
}

function report(findings: readonly Named[], all: readonly Check[], io: Io): string {
  const paint = painter(io.stdout, io.env)
  const width = Math.max(...findings.map(({ name }) => name.length))
  const lines = findings.flatMap(({ name, status, message, hint }) => [
    `${paint(colours[status], status.padEnd(4))}  ${name.padEnd(width)}  ${printable(message)}`,
    ...(hint === undefined ? [] : [`${' '.repeat(width + 8)}hint: ${printable(hint)}`]),
  ])
  const skipped = all.length - findings.length
  if (skipped > 0) lines.push(`${skipped} more checks need a valid configuration`)
  return `${lines.join('\n')}\n`
}

const colours: Readonly<Record<Finding['status'], Colour>> = { ok: 'green', warn: 'yellow', fail: 'red' }
