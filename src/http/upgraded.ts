import type { Duplex } from 'node:stream'
import type { Answer, HttpVersion, RawHeaders } from '../core/http.ts'

/** The origin's word on an upgrade. */
export type Upgraded =
  | {
      readonly kind: 'upgraded'
      /** What the origin speaks. */
      readonly version: HttpVersion
      /** For the client, in its own version: of a 101 on HTTP/1.1, of a 200 on HTTP/2. */
      readonly headers: RawHeaders
      readonly socket: Duplex
      readonly head: Buffer
      /** How long both sides may be silent. */
      readonly silenceMs: number
    }
  | { readonly kind: 'answered'; readonly answer: Answer }
