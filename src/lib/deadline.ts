/**
 * Runs `job` with a signal that is aborted with `signal`, or after `ms` milliseconds with a `TimeoutError`; nothing of it stays when the job has
 * settled, unlike with `AbortSignal.timeout`, which is kept for as long as it would take.
 */
export async function withDeadline<T>(
  signal: AbortSignal,
  ms: number,
  job: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const own = new AbortController()
  const late = (): void => own.abort(new DOMException(`not done within ${ms} ms`, 'TimeoutError'))
  const stop = (): void => own.abort(signal.reason)
  const timer = setTimeout(late, ms)
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    return await job(own.signal)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}
