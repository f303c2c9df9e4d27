/** How many more streams of a session may be reset. */
export type Resets = {
  readonly left: () => number
  /** A stream was reset. */
  readonly count: () => void
}

/**
 * Origins take many resets for an attack (CVE-2023-44487) and end the session, with all that is on it; and of all sessions of all clients
 * they see one. The limits they come with: Netty 200 in 30 s, Envoy 500, Node 1,000 and 33 a second; this stays below the strictest.
 * `clock` gives milliseconds that only go up.
 */
export function resets(clock: () => number): Resets {
  let spent = 0
  let since = 0
  const settle = (): void => {
    const now = clock()
    spent = Math.max(0, spent - ((now - since) * perSecond) / 1_000)
    since = now
  }
  return {
    left() {
      if (spent > 0) settle()
      return most - spent
    },
    count() {
      settle()
      spent += 1
    },
  }
}

const most = 100
const perSecond = 3
