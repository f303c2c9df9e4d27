/**
 * What to do with a message: pass it as it came, send this text in its place, or end the conversation (close 1008), with a last
 * message to the client where the origin's message is the reason.
 */
export type MessageVerdict =
  | { readonly kind: 'pass' }
  | { readonly kind: 'replace'; readonly text: string }
  | { readonly kind: 'close'; readonly reason: string; readonly last?: string }

/** What depends on messages to come: it waits, and those after it with it, while they are read. Not for control frames. */
export type LaterVerdict = { readonly kind: 'later'; readonly verdict: Promise<MessageVerdict> }

export type MessageWay = 'up' | 'down'

export type JudgedMessage = {
  /** Undefined when it is not text. */
  readonly text: string | undefined
  /** Of the content, decompressed. */
  readonly bytes: number
  /** The payload of a ping or pong, or the reason of a close. */
  readonly control: boolean
}

export type Judge = {
  (way: MessageWay, message: JudgedMessage): Promise<MessageVerdict | LaterVerdict>
  /** Nothing more comes this way before what waits must be decided. */
  readonly flush?: (way: MessageWay) => Promise<void>
}

/** Memory that is shared: `take` gives false when there is not enough. */
export type Room = { readonly take: (bytes: number) => boolean; readonly give: (bytes: number) => void }
