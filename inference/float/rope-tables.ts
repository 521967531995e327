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

/** Frequencies that one base gives are so near to those of the model's tables. */
const frequencyTolerance = 1e-3

/** θ of frequencies θ^(-i / half), as files of other programs tell them. Throws RangeError for frequencies that have no one base. */
export function rotaryBase(frequencies: Float64Array): number {
  const half = frequencies.length
  const base = (frequencies[1] ?? 1) ** -half
  for (const [i, frequency] of frequencies.entries()) {
    const expected = base ** (-i / half)
    if (Math.abs(frequency - expected) > frequencyTolerance * Math.max(expected, frequencyTolerance)) {
      throw new RangeError('the rotary angles of the model are no powers of one base')
    }
  }
  return base
}
