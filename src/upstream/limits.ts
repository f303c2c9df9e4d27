import type { Socket } from 'node:net'
import { SallyportError } from '../core/errors.ts'
import { clientAborted } from './faults.ts'

/** How long making a connection may take in all, since when, and who may call it off. */
export type Limits = {
  readonly connectTimeoutMs: number
  /** When the first step began, by `performance.now`; default now. All steps share the time. */
  readonly since?: number
  readonly signal?: AbortSignal
  /** Told of the TCP connection once there is one, before a byte of it. */
  readonly opened?: (socket: Socket) => void
  /** What a parent proxy is told of the way that led here. */
  readonly via?: string
}

/**
 * A step of making a connection. `begin` starts it and returns what gives it up, which is called when time runs out (`upstream_timeout`,
 * with `late` in its message) or the signal says so (`client_aborted`).
 */
export function within<T>(
  { connectTimeoutMs, since, signal }: Limits,
  late: string,
  begin: (resolve: (value: T) => void, reject: (error: Error) => void) => () => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const left = since === undefined ? connectTimeoutMs : connectTimeoutMs - (performance.now() - since)
    const finish = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', stopped)
    }
    const giveUp = (error: SallyportError): void => {
      finish()
      stop()
      reject(error)
    }
    const tooLate = (): void => giveUp(new SallyportError('upstream_timeout', `${late} in ${connectTimeoutMs} ms`))
    const timer = setTimeout(tooLate, Math.max(0, left))
    const stopped = (): void => giveUp(clientAborted())
    const stop = begin(
      (value) => {
        finish()
        resolve(value)
      },
      (error) => {
        finish()
        reject(error)
      },
    )
    signal?.addEventListener('abort', stopped)
    if (signal?.aborted === true) stopped()
  })
}
