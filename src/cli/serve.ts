import { serve as runDoors } from '../app/serve.ts'
import type { CliCommand } from './command.ts'

export const serve: CliCommand = {
  name: 'serve',
  summary: 'run the doors until a signal ends them',
  examples: ['sallyport serve', 'sallyport serve -c /etc/sallyport/sallyport.yaml'],
  build(command, io, run) {
    command.option('-c, --config <file>', 'configuration file (default: sallyport.yaml, if there is one)').action(
      run(async (options: { config?: string }) =>
        runDoors({
          source: { env: io.env, cwd: io.cwd, ...(options.config === undefined ? {} : { file: options.config }) },
          // A service's output is its log; a person at a terminal, or at the first start, is told what to do next.
          say: (lines, first) => {
            if (first || io.stdout.isTTY === true) io.stdout.write(`${lines.join('\n')}\n`)
          },
        }),
      ),
    )
  },
}
