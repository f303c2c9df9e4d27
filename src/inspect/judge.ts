import { SallyportError } from '../core/errors.ts'
import type { Judgement, JudgeInput } from './hook.ts'
import type { Binding } from './binding.ts'

export type JudgeRun =
  | { readonly kind: 'judged'; readonly judgement: Judgement; readonly nanoseconds: bigint }
  | { readonly kind: 'failed'; readonly cause: unknown; readonly nanoseconds: bigint }

/**
 * One judge's answer within its rule's time limit. It never rejects: what was thrown, and a limit that passed, are a failure. A judge
 * that does not heed its signal is abandoned when the time is over.
 */
export async function runJudge(
  binding: Binding,
  input: JudgeInput,
  how: { readonly now: () => bigint; readonly signal: AbortSignal },
): Promise<JudgeRun> {
  const started = how.now()
  try {
    const judgement = await answerInTime(binding, input, how.signal)
    checkParts(judgement, input)
    return { kind: 'judged', judgement, nanoseconds: how.now() - started }
  } catch (cause) {
    return { kind: 'failed', cause, nanoseconds: how.now() - started }
  }
}

function answerInTime(binding: Binding, input: JudgeInput, outer: AbortSignal): Promise<Judgement> {
  const { hook } = binding
  if (hook.kind !== 'judge') throw new TypeError(`${hook.name} is not a judge`)
  const { promise, resolve, reject } = Promise.withResolvers<Judgement>()
  const limit = new AbortController()
  const giveUp = (cause: unknown): void => {
    limit.abort(cause)
    reject(cause)
  }
  const late = (): void =>
    giveUp(new SallyportError('hook_failed', `${hook.name} took longer than ${binding.timeoutMs} ms`))
  const gone = (): void => giveUp(outer.reason)
  if (outer.aborted) gone()
  else {
    outer.addEventListener('abort', gone, { once: true })
    const timer = setTimeout(late, binding.timeoutMs)
    const done = (): void => {
      clearTimeout(timer)
      outer.removeEventListener('abort', gone)
    }
    // Started inside a promise, so that a judge that throws at once is no different from one that rejects.
    new Promise<Judgement>((answer) => {
      answer(hook.inspect(input, limit.signal))
    }).then(resolve, reject)
    promise.then(done, done)
  }
  return promise
}

function checkParts(judgement: Judgement, input: JudgeInput): void {
  for (const { part, start, end } of judgement.findings) {
    if (part === null) continue
    const text = input.parts[part]?.text
    if (text === undefined || start < 0 || start > end || end > text.length) {
      throw new RangeError('a judge found something outside the texts')
    }
  }
}
