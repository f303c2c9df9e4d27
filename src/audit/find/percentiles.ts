export type Percentiles = { readonly p50: number | null; readonly p99: number | null }

/** Of values that may be put in another order meanwhile. Each is one of the values. */
export function percentilesOf(values: Float64Array): Percentiles {
  if (values.length === 0) return { p50: null, p99: null }
  const at = (share: number): number => nth(values, Math.min(values.length - 1, Math.floor(values.length * share)))
  return { p50: at(0.5), p99: at(0.99) }
}

/** The value that stands at a place once they are sorted (Hoare's selection, the middle of three as pivot). */
function nth(values: Float64Array, place: number): number {
  let [left, right] = [0, values.length - 1]
  for (let rounds = 0; left < right; rounds += 1) {
    // Values laid out against it would make it quadratic.
    if (rounds > MAX_ROUNDS) return values.subarray(left, right + 1).sort()[place - left] as number
    const pivot = middle(values[left] as number, values[(left + right) >>> 1] as number, values[right] as number)
    let [i, j] = [left, right]
    while (i <= j) {
      while ((values[i] as number) < pivot) i += 1
      while ((values[j] as number) > pivot) j -= 1
      if (i > j) break
      const held = values[i] as number
      values[i++] = values[j] as number
      values[j--] = held
    }
    if (place <= j) right = j
    else if (place >= i) left = i
    else break
  }
  return values[place] as number
}

const middle = (a: number, b: number, c: number): number => Math.max(Math.min(a, b), Math.min(Math.max(a, b), c))

const MAX_ROUNDS = 100
