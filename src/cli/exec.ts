import { exec as runThrough } from '../app/exec.ts'
import { loadConfig } from '../config/load.ts'
import { UsageError } from './command.ts'
import type { CliCommand } from './command.ts'

export const exec: CliCommand = {
  name: 'exec',
  summary: 'run a command with its LLM traffic through Sallyport',
  examples: ['sallyport exec -- curl https://api.openai.com/v1/models', 'sallyport exec --report -- python app.py'],
  build(command, io, run) {
    command
      .argument('<command...>', 'the command and its arguments, after --')
      .option('-c, --config <file>', 'configuration file (default: sallyport.yaml, if there is one)')
      .option('--report', 'print what was seen and decided when the command has ended')
      .passThroughOptions()
      .action(
        run(async (words: string[], options: { config?: string; report?: boolean }) => {
          if (words.length === 0) throw new UsageError('no command to run')
          return runThrough({
            config: loadConfig({
              env: io.env,
              cwd: io.cwd,
              ...(options.config === undefined ? {} : { file: options.config }),
            }),
            command: words,
            env: io.env,
            cwd: io.cwd,
            report:
              options.report === true ? async (lines) => void io.stderr.write(`${lines.join('\n')}\n`) : undefined,
          })
        }),
      )
  },
}
