import { spawn } from 'node:child_process'
import { copyFile, mkdir, open, stat, truncate } from 'node:fs/promises'
import { dirname } from 'node:path'
import { SallyportError } from '../../core/errors.ts'
import type { ErrorCode } from '../../core/errors.ts'

/** What the agent in the background tells the command that started it. */
export type FromAgent =
  | { readonly kind: 'up' }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string; readonly hint: string }

/** Starts the program anew in the background, its output in a file; resolves with its process id when traffic is redirected. */
export async function detach(args: readonly string[], logFile: string, env: NodeJS.ProcessEnv): Promise<number> {
  await mkdir(dirname(logFile), { recursive: true, mode: 0o755 })
  await using file = await open(logFile, 'a', 0o600)
  const child = spawn(process.execPath, [...process.execArgv, ...args], {
    stdio: ['ignore', file.fd, file.fd, 'ipc'],
    detached: true,
    env,
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) =>
      reject(
        new SallyportError('redirect_failed', `the agent ended: ${signal ?? `exit status ${code}`}`, {
          hint: `${logFile} has what it said.`,
        }),
      ),
    )
    child.on('message', (message: FromAgent) => {
      if (message.kind === 'failed') {
        const hint = `${message.hint} ${logFile} has what was said.`.trimStart()
        return reject(new SallyportError(message.code, message.message, { hint }))
      }
      child.removeAllListeners()
      child.disconnect()
      child.unref()
      resolve(child.pid ?? 0)
    })
  })
}

/** Keeps the file that the output goes to below a size: what is older goes to `.1`, what is older still is forgotten. */
export async function limitFile(path: string, mostBytes: number): Promise<void> {
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  )
  if (size <= mostBytes) return
  await copyFile(path, `${path}.1`)
  // Who writes appends: the next line is the first of the empty file.
  await truncate(path, 0)
}
