/**
 * Q14 cosines and sines of the rotary angles, `context` × pairs, from the radians by which each pair turns a position. Doubles: a
 * model carries its tables, and what it carries counts.
 */
export function ropeTables(context: number, frequencies: Float64Array): { ropeCos: Int16Array; ropeSin: Int16Array } {
  const half = frequencies.length
  const ropeCos = new Int16Array(context * half)
  const ropeSin = new Int16Array(context * half)
  for (let position = 0; position < context; position++) {
    for (const [i, frequency] of frequencies.entries()) {
      const angle = position * frequency
      ropeCos[position * half + i] = Math.round(Math.cos(angle) * 2 ** 14)
      ropeSin[position * half + i] = Math.round(Math.sin(angle) * 2 ** 14)
    }
  }
  return { ropeCos, ropeSin }
}
