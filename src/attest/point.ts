/**
 * Whether 32 bytes are the one canonical encoding (RFC 8032, 5.1.3) of a point of edwards25519 in the group of prime order, and not its
 * neutral element. With such keys all known rules of verification (with or without cofactor) agree on every signature. Takes a few milliseconds.
 */
export function isPrimeOrderPoint(bytes: Uint8Array): boolean {
  const point = decodedPoint(bytes)
  return point !== undefined && !isNeutral(point) && isNeutral(multiplied(point, L))
}

/** The number that bytes make, the lowest first. */
export function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes.toReversed()).toString('hex')}`)
}

/** Extended coordinates: x = X/Z, y = Y/Z, x·y = T/Z. */
type Point = readonly [X: bigint, Y: bigint, Z: bigint, T: bigint]

function decodedPoint(bytes: Uint8Array): Point | undefined {
  if (bytes.length !== 32) return undefined
  const encoded = littleEndian(bytes)
  const sign = encoded >> 255n
  const y = encoded & ((1n << 255n) - 1n)
  if (y >= P) return undefined
  const x = rootFor(mod(y * y - 1n), mod(D * y * y + 1n))
  if (x === undefined || (x === 0n && sign === 1n)) return undefined
  const signed = (x & 1n) === sign ? x : P - x
  return [signed, y, 1n, mod(signed * y)]
}

/** A square root of u/v, if there is one (RFC 8032, 5.1.3, step 3). */
function rootFor(u: bigint, v: bigint): bigint | undefined {
  const v3 = mod(v * v * v)
  const x = mod(u * v3 * power(mod(u * v3 * v3 * v), (P - 5n) / 8n))
  const square = mod(v * x * x)
  if (square === u) return x
  return square === mod(-u) ? mod(x * power(2n, (P - 1n) / 4n)) : undefined
}

function multiplied(point: Point, factor: bigint): Point {
  let sum: Point = [0n, 1n, 1n, 0n]
  for (const bit of factor.toString(2)) {
    sum = added(sum, sum)
    if (bit === '1') sum = added(sum, point)
  }
  return sum
}

/** RFC 8032, 5.1.4: complete, so it doubles, too. */
function added([x1, y1, z1, t1]: Point, [x2, y2, z2, t2]: Point): Point {
  const a = mod((y1 - x1) * (y2 - x2))
  const b = mod((y1 + x1) * (y2 + x2))
  const c = mod(2n * D * t1 * t2)
  const d = mod(2n * z1 * z2)
  const [e, f, g, h] = [b - a, d - c, d + c, b + a]
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)]
}

function isNeutral([x, y, z]: Point): boolean {
  return x === 0n && y === z
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  for (const bit of exponent.toString(2)) {
    result = mod(result * result)
    if (bit === '1') result = mod(result * base)
  }
  return result
}

function mod(value: bigint): bigint {
  const rest = value % P
  return rest < 0n ? rest + P : rest
}

/** The prime of the field, and the order of the group (RFC 8032, 5.1). */
export const P = 2n ** 255n - 19n
export const L = 2n ** 252n + 27742317777372353535851937790883648493n
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n
