/**
 * Order of fixed-width rows by their first `keyBytes` bytes, ascending; rows of one key keep their order. A radix sort,
 * so that no choice of keys by strangers makes it slow. Returns the rows' numbers.
 */
export function sortedOrder(rows: Uint8Array, rowBytes: number, keyBytes: number): Uint32Array {
  const count = rows.length / rowBytes
  const counts = digitCounts(rows, rowBytes, keyBytes)
  let order = new Uint32Array(count).map((_, i) => i)
  let next = new Uint32Array(count)
  for (let digit = keyBytes - 1; digit >= 0; digit--) {
    const ends = counts.subarray(digit * 256, digit * 256 + 256)
    // One value in every row: nothing to move.
    if (ends.includes(count)) continue
    const starts = new Uint32Array(256)
    for (let value = 1; value < 256; value++) starts[value] = (starts[value - 1] ?? 0) + (ends[value - 1] ?? 0)
    for (let i = 0; i < count; i++) {
      const row = order[i] ?? 0
      const value = rows[row * rowBytes + digit] ?? 0
      const place = starts[value] ?? 0
      next[place] = row
      starts[value] = place + 1
    }
    ;[order, next] = [next, order]
  }
  return order
}

/** How often each value stands at each byte of the key. */
function digitCounts(rows: Uint8Array, rowBytes: number, keyBytes: number): Uint32Array {
  const counts = new Uint32Array(keyBytes * 256)
  for (let start = 0; start < rows.length; start += rowBytes) {
    for (let digit = 0; digit < keyBytes; digit++) {
      const slot = digit * 256 + (rows[start + digit] ?? 0)
      counts[slot] = (counts[slot] ?? 0) + 1
    }
  }
  return counts
}
