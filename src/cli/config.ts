import { namedFiles } from '../app/named-files.ts'
import { laterKeys } from '../config/later.ts'
import { checkConfig, loadWithOrigins } from '../config/load.ts'
import { configInvalid, placeText } from '../config/problems.ts'
import { configJsonSchema } from '../config/schema.ts'
import { shownConfig } from '../config/show.ts'
import type { Shown } from '../config/show.ts'
import type { CliCommand, Io } from './command.ts'
import { printJson, printLines, printTable, write } from './output.ts'

type Options = { readonly config?: string; readonly json?: boolean }

export const config: CliCommand = {
  name: 'config',
  summary: 'check the configuration, show it and where it comes from, print its schema',
  examples: [
    'sallyport config check',
    'sallyport config show -c /etc/sallyport/sallyport.yaml',
    'sallyport config schema > sallyport.schema.json',
  ],
  build: (command, io, run) => {
    command
      .command('check')
      .description('say whether the configuration is valid, and what is wrong with it')
      .option('-c, --config <file>', FILE_HELP)
      .option('--json', 'print one JSON object')
      .action(run((options: Options) => check(options, io)))
    command
      .command('show')
      .description('print each effective value and where it comes from, secrets masked')
      .option('-c, --config <file>', FILE_HELP)
      .option('--json', 'print JSON lines')
      .action(run((options: Options) => show(options, io)))
    command
      .command('schema')
      .description('print the JSON Schema of the configuration file')
      .option('--json', 'the same: it is JSON')
      .action(run(() => write(io.stdout, `${JSON.stringify(configJsonSchema(), null, 2)}\n`)))
  },
}

async function check(options: Options, io: Io): Promise<number> {
  const checked = checkConfig({ file: options.config, env: io.env, cwd: io.cwd })
  const files = 'problems' in checked ? checked : namedFiles(checked, io.env)
  if ('problems' in checked || files.problems.length > 0) {
    if (options.json !== true) throw configInvalid(files.problems)
    const problems = files.problems.map(({ at, key, message, hint }) => ({
      where: placeText(at),
      key,
      message,
      hint,
    }))
    await printJson(io, { valid: false, problems })
    return 1
  }
  const later = laterKeys(checked.config)
  if (options.json === true) {
    await printJson(io, { valid: true, file: checked.file, later })
    return 0
  }
  const about = checked.file ?? 'no file, all defaults'
  await printLines(io, [`${about}: valid`, ...later.map((key) => `note: ${key} is accepted, but not yet in force`)])
  return 0
}

async function show(options: Options, io: Io): Promise<void> {
  const shown = shownConfig(loadWithOrigins({ file: options.config, env: io.env, cwd: io.cwd }))
  if (options.json === true) return printJson(io, ...shown)
  await printTable<Shown>(
    io,
    [
      { title: 'KEY', of: ({ key }) => key },
      { title: 'VALUE', of: ({ value }) => (typeof value === 'string' ? value : JSON.stringify(value)) },
      { title: 'FROM', of: ({ origin }) => origin },
    ],
    shown,
  )
}

const FILE_HELP = 'configuration file (default: sallyport.yaml, if there is one)'
