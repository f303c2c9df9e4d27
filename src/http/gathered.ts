/** Bytes that come bit by bit, in one place: copied, so that a few of them do not keep the chunk that they came in. */
export class Gathered {
  size = 0
  #room: Buffer = none

  push(bytes: Buffer): void {
    const size = this.size + bytes.length
    if (size > this.#room.length) {
      const room = Buffer.allocUnsafe(Math.max(1_024, 2 * size))
      this.#room.copy(room, 0, 0, this.size)
      this.#room = room
    }
    bytes.copy(this.#room, this.size)
    this.size = size
  }

  /** All of them; they are not written to afterwards. */
  get bytes(): Buffer {
    return this.#room.subarray(0, this.size)
  }
}

const none = Buffer.alloc(0)
