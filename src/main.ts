import { runProgram } from './cli/program.ts'

// `sallyport … | head`: when the reader has seen enough, there is nothing left to do and nothing went wrong.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

// Nothing is left to do then. Left to itself, Node closes what sockets were, and can wait for ever for a write that a reset has cut off.
process.once('beforeExit', () => process.exit())

process.exitCode = await runProgram(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
})
