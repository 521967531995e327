/** Products of one int16 vector with `rows` others, behind each other at `vectors`, each summed in 64 bits; n a multiple of 8. */
export function dotSketches(query: usize, vectors: usize, rows: i32, n: i32, out: usize): void {
  const bytes = <usize>n << 1
  for (let row = 0; row < rows; row++) {
    let sum = i64x2.splat(0)
    for (let i: usize = 0; i < bytes; i += 16) {
      const part = i32x4.dot_i16x8_s(v128.load(query + i), v128.load(vectors + i))
      sum = i64x2.add(sum, i64x2.add(i64x2.extend_low_i32x4_s(part), i64x2.extend_high_i32x4_s(part)))
    }
    store<i64>(out, i64x2.extract_lane(sum, 0) + i64x2.extract_lane(sum, 1))
    vectors += bytes
    out += 8
  }
}
