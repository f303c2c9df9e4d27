/** Keccak-256 as Ethereum has it: the padding of before FIPS 202, which node:crypto does not offer. For texts of up to 135 bytes. */
export function keccak256(text: string): Buffer {
  const block = Buffer.alloc(200)
  const length = block.write(text, 0, rate - 1, 'latin1')
  block[length] = 1
  block[rate - 1] = (block[rate - 1] as number) | 0x80
  const state = new Int32Array(50)
  for (let i = 0; i < 50; i++) state[i] = block.readInt32LE(i * 4)
  for (const constant of roundConstants) round(state, constant)
  for (let i = 0; i < 8; i++) block.writeInt32LE(state[i] as number, i * 4)
  return block.subarray(0, 32)
}

/** Lanes of 64 bits as pairs of low and high words; θ, ρ and π, χ, ι. */
function round(state: Int32Array, [low, high]: readonly [number, number]): void {
  const at = (i: number): number => state[i] as number
  const columns = Array.from({ length: 10 }, (_, i) => at(i) ^ at(i + 10) ^ at(i + 20) ^ at(i + 30) ^ at(i + 40))
  const moved = new Int32Array(50)
  for (let x = 0; x < 5; x++) {
    const before = ((x + 4) % 5) * 2
    const [nextLow, nextHigh] = rotated(
      columns[((x + 1) % 5) * 2] as number,
      columns[((x + 1) % 5) * 2 + 1] as number,
      1,
    )
    for (let y = 0; y < 5; y++) {
      const from = (x + 5 * y) * 2
      const mixedLow = at(from) ^ (columns[before] as number) ^ nextLow
      const mixedHigh = at(from + 1) ^ (columns[before + 1] as number) ^ nextHigh
      const to = (y + 5 * ((2 * x + 3 * y) % 5)) * 2
      const [turnedLow, turnedHigh] = rotated(mixedLow, mixedHigh, rotations[x + 5 * y] as number)
      moved[to] = turnedLow
      moved[to + 1] = turnedHigh
    }
  }
  for (let y = 0; y < 50; y += 10) {
    for (let i = 0; i < 10; i++) {
      const [next, afterNext] = [moved[y + ((i + 2) % 10)] as number, moved[y + ((i + 4) % 10)] as number]
      state[y + i] = (moved[y + i] as number) ^ (~next & afterNext)
    }
  }
  state[0] = at(0) ^ low
  state[1] = at(1) ^ high
}

function rotated(low: number, high: number, by: number): readonly [number, number] {
  const rest = by % 32
  const [a, b] = by >= 32 ? [high, low] : [low, high]
  if (rest === 0) return [a, b]
  return [(a << rest) | (b >>> (32 - rest)), (b << rest) | (a >>> (32 - rest))]
}

const rate = 136
const rotations = [0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14]
const roundConstants: readonly (readonly [number, number])[] = [
  [0x00000001, 0],
  [0x00008082, 0],
  [0x0000808a, 0x80000000],
  [0x80008000, 0x80000000],
  [0x0000808b, 0],
  [0x80000001, 0],
  [0x80008081, 0x80000000],
  [0x00008009, 0x80000000],
  [0x0000008a, 0],
  [0x00000088, 0],
  [0x80008009, 0],
  [0x8000000a, 0],
  [0x8000808b, 0],
  [0x0000008b, 0x80000000],
  [0x00008089, 0x80000000],
  [0x00008003, 0x80000000],
  [0x00008002, 0x80000000],
  [0x00000080, 0x80000000],
  [0x0000800a, 0],
  [0x8000000a, 0x80000000],
  [0x80008081, 0x80000000],
  [0x00008080, 0x80000000],
  [0x80000001, 0],
  [0x80008008, 0x80000000],
]
