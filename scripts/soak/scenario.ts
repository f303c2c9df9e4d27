import type { Random } from './random.ts'

/** What a scenario has at hand. */
export type Stage = {
  readonly random: Random
  readonly proxyPort: number
  /** PEM of Sallyport's authority. */
  readonly ca: string
  /** `/soak/WHAT/NUMBER`: never the same twice. */
  readonly path: (what: string) => string
  /** Counts a CONNECT that was answered with 200. */
  readonly connected: () => void
}

export type Scenario = {
  readonly name: string
  /** Rejects when something came out wrong. What it opens it closes. */
  readonly play: (stage: Stage) => Promise<void>
}

export const host = 'soak.example'
/** Its HTTP/2 sessions break: what else is on them breaks with them. */
export const faultyHost = 'faulty.example'
export const plainHost = 'plain.example'
export const bytesHost = 'bytes.example'

/** Made up, in the shape of an AWS access key: policy keeps it from the origin, and the client gets it back. */
export const secret = 'AKIAZK3QXW5TN7RBJ2VD'

export function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(what)
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
