import type { Command as Commander } from 'commander'

/** What a command may use of the process it runs in: passed in, so that tests can look at it. */
export type Io = {
  readonly stdin: NodeJS.ReadableStream
  readonly stdout: NodeJS.WritableStream & { isTTY?: boolean }
  readonly stderr: NodeJS.WritableStream & { isTTY?: boolean }
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
}

/**
 * One command of the program. `build` declares arguments and options on its commander object and sets the action. An action
 * throws SallyportError for what the user should read as `error:` and `hint:` (exit 1) and UsageError for wrong usage (exit 2);
 * to end with another status it returns that number.
 */
export type CliCommand = {
  readonly name: string
  readonly summary: string
  /** At least one example, shown by --help. */
  readonly examples: readonly string[]
  readonly build: (command: Commander, io: Io, run: RunAction) => void
}

/** Wraps an action: `command.action(run(async (…) => { … }))`. */
export type RunAction = <A extends unknown[]>(
  action: (...args: A) => Promise<number | undefined | void>,
) => (...args: A) => Promise<void>

export class UsageError extends Error {
  readonly hint: string | undefined
  constructor(message: string, hint?: string) {
    super(message)
    this.name = 'UsageError'
    this.hint = hint
  }
}
