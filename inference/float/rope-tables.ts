/**
 * Q14 cosines and sines of the rotary angles, `context` × `headDim / 2`. Doubles: a model carries its tables, and what it
 * carries counts.
 */
export function ropeTables(
  context: number,
  headDim: number,
  theta: number,
): { ropeCos: Int16Array; ropeSin: Int16Array } {
  const half = headDim / 2
  const ropeCos = new Int16Array(context * half)
  const ropeSin = new Int16Array(context * half)
  for (let position = 0; position < context; position++) {
    for (let i = 0; i < half; i++) {
      const angle = position * theta ** (-i / half)
      ropeCos[position * half + i] = Math.round(Math.cos(angle) * 2 ** 14)
      ropeSin[position * half + i] = Math.round(Math.sin(angle) * 2 ** 14)
    }
  }
  return { ropeCos, ropeSin }
}
