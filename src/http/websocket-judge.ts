/** What to do with a message: pass it as it came, send this text in its place, or end the conversation (close 1008). */
export type MessageVerdict =
  | { readonly kind: 'pass' }
  | { readonly kind: 'replace'; readonly text: string }
  | { readonly kind: 'close'; readonly reason: string }

export type MessageWay = 'up' | 'down'

export type JudgedMessage = {
  /** Undefined when it is not text. */
  readonly text: string | undefined
  /** Of the content, decompressed. */
  readonly bytes: number
  /** The payload of a ping or pong, or the reason of a close. */
  readonly control: boolean
}

export type Judge = (way: MessageWay, message: JudgedMessage) => Promise<MessageVerdict>

/** Memory that is shared: `take` gives false when there is not enough. */
export type Room = { readonly take: (bytes: number) => boolean; readonly give: (bytes: number) => void }
