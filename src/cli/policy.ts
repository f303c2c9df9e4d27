import { resolve } from 'node:path'
import { catalogueHosts } from '../app/catalogue.ts'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { checkPolicies, loadPolicies, packFoldersFor, policyInvalid } from '../policy/load.ts'
import type { CompiledEntry } from '../policy/intercept.ts'
import type { LoadOptions } from '../policy/load.ts'
import { unreachedEntries } from '../policy/match.ts'
import { runPolicyTests } from '../policy/test.ts'
import type { TestResult } from '../policy/test.ts'
import type { CliCommand, Io } from './command.ts'
import { wholeNumber } from './flags.ts'
import { printJson, printLines } from './output.ts'
import { unvouchedHosts } from './policy-constraints.ts'
import { replayPolicies } from './policy-replay.ts'
import type { ReplayFlags } from './policy-replay.ts'
import { explainHost } from './policy-explain.ts'
import type { ExplainOptions } from './policy-explain.ts'

type Options = { readonly config?: string; readonly json?: boolean }

export const policy: CliCommand = {
  name: 'policy',
  summary: 'check the policies, explain what they do with a host, run their tests, replay the record',
  examples: [
    'sallyport policy check',
    'sallyport policy check policies/20-team.yaml',
    'sallyport policy explain --host api.openai.com --path /v1/chat/completions --provider openai',
    'sallyport policy test',
    'sallyport policy replay --since 7d',
  ],
  build: (command, io, run) => {
    command
      .command('check')
      .description('say whether the policies are valid, and what is wrong with them')
      .argument('[file...]', 'files to check instead of those of the policy folder')
      .option('-c, --config <file>', FILE_HELP)
      .option('--json', 'print one JSON object')
      .action(run((files: string[], options: Options) => check(files, options, io)))
    command
      .command('explain')
      .description('say what happens to a connection, which rules apply to its exchanges, and why the others do not')
      .requiredOption('--host <host>', 'host of the connection, with :port where that is not 443')
      .option('--path <path>', 'path of the request')
      .option('--principal <name>', 'who sends it')
      .option('--provider <name>', 'provider whose dialect it is')
      .option('--model <name>', 'model it asks for')
      .option('--client <address>', 'address it comes from', '127.0.0.1')
      .option('--door <door>', 'proxy or gateway', 'proxy')
      .option('-c, --config <file>', FILE_HELP)
      .option('--json', 'print one JSON object')
      .action(
        run(async (options: Options & ExplainOptions) =>
          explainHost(await loadPolicies(sourcesOf([], options, io)), configOf(options, io), options, io),
        ),
      )
    command
      .command('test')
      .description('run the tests written in the policies')
      .argument('[file...]', 'files to test instead of those of the policy folder')
      .option('-c, --config <file>', FILE_HELP)
      .option('--json', 'print JSON lines')
      .action(run((files: string[], options: Options) => test(files, options, io)))
    command
      .command('replay')
      .description('say what the policies would have decided differently of what was recorded')
      .argument('[file...]', 'files to replay instead of those of the policy folder')
      .option('--since <time>', 'from then on: 30m, 24h, 7d, or ISO 8601', '7d')
      .option('--until <time>', 'before then')
      .option('--host <host>', 'of these hosts; * and ? are wildcards, commas separate')
      .option('--provider <name>', 'of these providers')
      .option('--model <name>', 'of these models')
      .option('--principal <name>', 'of these principals')
      .option('--decision <decision>', 'of what was decided like that')
      .option('--finding <type>', 'of what had such a finding')
      .option('--limit <count>', 'the newest so many; 0: all', wholeNumber, 0)
      .option('--all', 'print also what would be decided the same')
      .option('-c, --config <file>', FILE_HELP)
      .option('--json', 'print JSON lines')
      .action(
        run(async (files: string[], options: Options & ReplayFlags) =>
          replayPolicies(await loadPolicies(sourcesOf(files, options, io)), configOf(options, io), options, io),
        ),
      )
  },
}

async function check(files: readonly string[], options: Options, io: Io): Promise<number> {
  const checked = await checkPolicies({ ...sourcesOf(files, options, io), checkExamples: true })
  const problems =
    'problems' in checked ? checked.problems : await unvouchedHosts(checked, configOf(options, io).ca.dir)
  if ('problems' in checked || problems.length > 0) {
    if (options.json !== true) throw policyInvalid(problems, '')
    await printJson(io, { valid: false, problems })
    return 1
  }
  const { files: read, digest, rules, tests } = checked
  const notes = notesOn(checked.entries, configOf(options, io))
  if (options.json === true) {
    await printJson(io, { valid: true, files: read, rules: rules.length, tests: tests.length, digest, notes })
    return 0
  }
  const counts = [count(rules.length, 'rule'), count(tests.length, 'test')].join(', ')
  const noted = notes.map((note) => `note: ${note}`)
  await printLines(io, [...read.map((file) => `${file}: valid`), ...noted, `${counts}, digest ${digest}`])
  return 0
}

function notesOn(entries: readonly CompiledEntry[], { attestation }: Config): string[] {
  const nameless = entries.filter(
    ({ handling }) => handling.attestation?.accept === true && attestation.audience === null,
  )
  return [
    ...unreachedEntries(entries).map(({ file, line }) => `${file}:${line}: ${UNREACHED}`),
    ...nameless.map(({ file, line }) => `${file}:${line}: ${NAMELESS}`),
  ]
}

async function test(files: readonly string[], options: Options, io: Io): Promise<number> {
  const results = await runPolicyTests(await loadPolicies(sourcesOf(files, options, io)))
  const failed = results.filter(({ passed }) => !passed).length
  if (options.json === true) await printJson(io, ...results)
  else {
    const passed = `${results.length - failed} of ${count(results.length, 'test')} passed`
    await printLines(io, [...results.flatMap((result) => outcome(result)), passed])
  }
  return failed === 0 ? 0 : 1
}

function outcome({ passed, name, file, line, wrong }: TestResult): string[] {
  if (passed) return [`ok    ${name}`]
  return [`FAIL  ${name} (${file}:${line})`, ...wrong.map((what) => `      ${what}`)]
}

function sourcesOf(files: readonly string[], options: Options, io: Io): LoadOptions {
  const { dir } = configOf(options, io).policies
  return {
    dir,
    files: files.length === 0 ? undefined : files.map((file) => resolve(io.cwd, file)),
    packFolders: packFoldersFor(dir),
    catalogue: catalogueHosts(),
  }
}

const configOf = (options: Options, io: Io): Config => loadConfig({ file: options.config, env: io.env, cwd: io.cwd })

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`

const NAMELESS = 'no attestation is accepted here as long as attestation.audience is not set in the configuration'
const UNREACHED = 'no connection reaches this entry, because one before it takes them all'
const FILE_HELP = 'configuration file (default: sallyport.yaml, if there is one)'
