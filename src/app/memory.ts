import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Gives back what starting took: parsed rule packs and schemas leave a heap twice the size of what is kept, which V8 would hold on
 * to while there is little to do. Blocks for some 30 ms; to be called once, before the first connection.
 */
export function releaseStartupMemory(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as (options: object) => void
  setFlagsFromString('--no-expose-gc')
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}

/**
 * Texts of large bodies outlive a collection or two. V8 takes that for a sign that what holds them lives long, and makes it old from
 * the start: dead or not, it then keeps alive the texts of all bodies since, and each collection costs tens of milliseconds. To be
 * called before the first body.
 */
export function expectShortLives(): void {
  setFlagsFromString('--no-allocation-site-pretenuring')
}
