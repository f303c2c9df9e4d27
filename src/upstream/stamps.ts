import type { SallyportError } from '../core/errors.ts'

/** A token that went to a parent proxy with the CONNECT for a connection. */
export type Stamp = {
  /** The column `attestation` of a row that tells of it. */
  readonly attestation: string
  /** Something uses the connection that will have a row. What is given back is called once: whether that row tells of the stamp. */
  readonly hold: () => (told: boolean) => void
  /** The connection has ended, or with an error: it never came to be. */
  readonly ended: (error?: SallyportError) => void
}

/** What is known of a stamp. */
export type StampAbout = { readonly host: string; readonly port: number; readonly attestation: string }

export type Untold = StampAbout & { readonly at: Date; readonly error: SallyportError | undefined }

/**
 * Sees to it that the ledger tells of every token that was sent: `untold` gets each that no row tells of, once its connection has ended
 * and nothing holds it any more. As many are remembered as there are connections to the parent.
 */
export function stamps(untold: (about: Untold) => void): {
  readonly make: (about: StampAbout) => Stamp
  /** Gives up waiting: those that no row tells of yet are untold. */
  readonly flush: () => void
} {
  const waiting = new Set<() => void>()
  return {
    make(about) {
      const at = new Date()
      let holders = 0
      let over = false
      let cause: SallyportError | undefined
      const tell = (): void => {
        if (waiting.delete(tell)) untold({ ...about, at, error: cause })
      }
      waiting.add(tell)
      return {
        attestation: about.attestation,
        hold() {
          holders += 1
          return (told) => {
            holders -= 1
            if (told) waiting.delete(tell)
            else if (over && holders === 0) tell()
          }
        },
        ended(error) {
          over = true
          cause ??= error
          if (holders === 0) tell()
        },
      }
    },
    flush() {
      for (const tell of waiting) tell()
    },
  }
}

/** The stamps of the connections that something went over, of which its row tells the last. */
export function carriers(): {
  readonly carried: (stamp: Stamp) => void
  /** For the row, which is being written: what it has of the last stamp. What comes later is none of it. */
  readonly told: () => string | null
} {
  const held: { readonly stamp: Stamp; readonly release: (told: boolean) => void }[] = []
  let text: string | null | undefined
  return {
    carried(stamp) {
      if (text === undefined) held.push({ stamp, release: stamp.hold() })
    },
    told() {
      if (text === undefined) {
        text = held.at(-1)?.stamp.attestation ?? null
        for (const [i, { release }] of held.entries()) release(i === held.length - 1)
      }
      return text
    },
  }
}

/** The column `attestation` of what came with a verdict, and went on with a stamp: both JSON objects. */
export function bothAttestations(verdict: string | null, stamp: string | null): string | null {
  if (verdict === null || stamp === null) return verdict ?? stamp
  return `${verdict.slice(0, -1)},"signed":${stamp}}`
}
