import { PassThrough, Readable } from 'node:stream'
import type { Io } from '../../src/cli/command.ts'
import { runProgram } from '../../src/cli/program.ts'

export type Printed = { readonly status: number; readonly stdout: string; readonly stderr: string }

/** Runs a command line inside this process, with streams that are read back. */
export async function commandLine(
  args: readonly string[],
  { cwd, env = {}, stdin = '' }: { cwd: string; env?: Record<string, string>; stdin?: string },
): Promise<Printed> {
  const out = sink()
  const err = sink()
  const io: Io = { stdin: Readable.from([stdin]), stdout: out.stream, stderr: err.stream, env, cwd }
  const status = await runProgram(args, io)
  return { status, stdout: out.text(), stderr: err.text() }
}

/** A stream that keeps what it is given. */
export function sink(options: { isTTY?: boolean } = {}): {
  stream: PassThrough & { isTTY?: boolean }
  text: () => string
} {
  const stream: PassThrough & { isTTY?: boolean } = new PassThrough()
  if (options.isTTY === true) stream.isTTY = true
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  return { stream, text: () => Buffer.concat(chunks).toString() }
}
