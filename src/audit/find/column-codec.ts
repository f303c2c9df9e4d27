import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'

/** How a column is kept: as whole numbers of 32 bits (a base, and steps of 1, 1/1000, …) where that is exact, else as they are. */
export function packNumbers(numbers: Float64Array): Buffer {
  const scale = SCALES.find((one) => fitsScale(numbers, one))
  const head = new Float64Array([scale ?? 0, scale === undefined ? 0 : baseOf(numbers, scale)])
  const body = scale === undefined ? planesOf(numbers) : bytesOf(stepsOf(numbers, scale, head[1] as number))
  return zstdCompressSync(Buffer.concat([bytesOf(head), body]), LEVEL)
}

export function unpackNumbers(packed: Uint8Array): Float64Array {
  const bytes = zstdDecompressSync(packed)
  const [scale, base] = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + HEAD_BYTES))
  const body = bytes.buffer.slice(bytes.byteOffset + HEAD_BYTES, bytes.byteOffset + bytes.length)
  if (scale === 0 || scale === undefined || base === undefined) return fromPlanes(new Uint8Array(body))
  const steps = new Int32Array(body)
  const numbers = new Float64Array(steps.length)
  for (let i = 0; i < steps.length; i += 1) {
    const step = steps[i] as number
    numbers[i] = step === UNKNOWN ? Number.NaN : (base + step) / scale
  }
  return numbers
}

export function packCodes(codes: Uint16Array): Buffer {
  return zstdCompressSync(Buffer.from(codes.buffer, codes.byteOffset, codes.byteLength), LEVEL)
}

export function unpackCodes(packed: Uint8Array): Uint16Array {
  const bytes = zstdDecompressSync(packed)
  return new Uint16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
}

export function packNames(names: readonly (string | null)[]): Buffer {
  return zstdCompressSync(JSON.stringify(names), LEVEL)
}

export function unpackNames(packed: Uint8Array): (string | null)[] {
  return JSON.parse(zstdDecompressSync(packed).toString('utf8')) as (string | null)[]
}

function fitsScale(numbers: Float64Array, scale: number): boolean {
  const base = baseOf(numbers, scale)
  return numbers.every((number) => {
    if (Number.isNaN(number)) return true
    const step = Math.round(number * scale) - base
    return step >= 0 && step <= MAX_STEP && Object.is((base + step) / scale, number)
  })
}

function baseOf(numbers: Float64Array, scale: number): number {
  let least = Infinity
  for (const number of numbers) if (number < least) least = number
  return Number.isFinite(least) ? Math.round(least * scale) : 0
}

function stepsOf(numbers: Float64Array, scale: number, base: number): Int32Array {
  return Int32Array.from(numbers, (number) => (Number.isNaN(number) ? UNKNOWN : Math.round(number * scale) - base))
}

// Bytes of equal weight together: the high ones of numbers like each other are nearly all the same.
function planesOf(numbers: Float64Array): Buffer {
  const bytes = bytesOf(numbers)
  const planes = Buffer.alloc(bytes.length)
  for (let i = 0; i < bytes.length; i += 1) planes[(i % 8) * numbers.length + (i >>> 3)] = bytes[i] as number
  return planes
}

function fromPlanes(planes: Uint8Array): Float64Array {
  const numbers = new Float64Array(planes.length / 8)
  const bytes = bytesOf(numbers)
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = planes[(i % 8) * numbers.length + (i >>> 3)] as number
  return numbers
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float64Array | Int32Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength)

const SCALES = [1, 1e3, 1e6, 1e9]
const UNKNOWN = -(2 ** 31)
const MAX_STEP = 2 ** 31 - 1
const HEAD_BYTES = 16
const LEVEL = { params: { [constants.ZSTD_c_compressionLevel]: 3 } }
