import { nextTurn } from './async.ts'

/** Work that can be left and taken up again: it yields wherever it has done a little. */
export type Steps<T> = Generator<void, T, void>

/** What the work comes to, without a pause. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}

/** The same in many turns of the event loop, none of which goes on once `ms` milliseconds have passed. Rejects with what a step throws. */
export async function inTurns<T>(steps: Steps<T>, ms: number, now = () => performance.now()): Promise<T> {
  for (;;) {
    const end = now() + ms
    do {
      const { done, value } = steps.next()
      if (done === true) return value
    } while (now() < end)
    await nextTurn()
  }
}
