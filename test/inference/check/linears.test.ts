import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { CheckKernels } from '../../../inference/check/check-kernels.ts'
import { accumulatorMax, centred, fieldDot, fieldPrime } from '../../../inference/check/field.ts'
import { interleaved, placeScales } from '../../../inference/check/placed-pair.ts'
import { KernelMemory } from '../../../inference/kernel-memory.ts'
import { wideColumnsMax, wideInput } from '../../../inference/model-config.ts'
import { dequantise } from '../../../inference/ops/linear.ts'
import { kernelSets } from '../../fakes/kernel-sets.ts'
import { encodeAccumulators } from '../../fakes/sent-trace.ts'

const memory = new KernelMemory()
const top = accumulatorMax(wideColumnsMax, wideInput)
const every = Math.floor(2 ** 32 / top)
const place = memory.take(2 ** 16)

const whole = (min: number, max: number) => fc.integer({ min, max })
/** Shifts near each other and far apart: what is done in one pass, by another shift, and by the plain rule. */
const shifts = fc.tuple(whole(17, 62), fc.constantFrom(0, 1, 5, 40)).chain(([most, spread]) => {
  return fc.array(whole(Math.max(17, most - spread), most), { minLength: 1, maxLength: 70 })
})
const input = fc.tuple(whole(0, 2 ** 15), whole(0, 16)).map(([mantissa, exponent]) => ({ mantissa, exponent }))
const loudness = fc.constantFrom(2, 1000, 2 ** 23 - 1, top, 2 ** 31 - 1)

test.each(kernelSets)(
  'by %s accumulators of any size and scale have the sums of plain arithmetic and the outputs of the rule, at both widths',
  (_, load) => {
    const kernels = load(memory.memory)
    fc.assert(
      fc.property(
        shifts,
        input,
        input,
        loudness,
        fc.constantFrom(3, 4),
        fc.nat(),
        (list, one, two, most, width, seed) => {
          const at = (i: number) => Math.imul(seed + i * 7919, 2_654_435_761) >>> 0
          const n = list.length
          const largest = width === 3 ? Math.min(most, 2 ** 23 - 1) : most
          const row = (k: number) =>
            Int32Array.from({ length: n }, (_, i) =>
              at(k + i) % 7 === 0 ? -largest : (at(k + i) % (2 * largest + 1)) - largest,
            )
          const rows = [row(0), row(500)]
          const scales = Uint32Array.from(list, (shift, i) => (at(i + 90) % 2 ** 15) * 256 + shift)
          const r = [1, 2].map((k) => Int32Array.from({ length: n }, (_, i) => centred(at(i + 1000 * k) % fieldPrime)))
          const inputs = [one, two].map(({ mantissa, exponent }) => ({
            mantissa: Math.max(mantissa, exponent === 0 ? 0 : 2 ** 14),
            exponent,
          }))
          const { sums, outputs } = taken(kernels, rows, width as 3 | 4, r as [Int32Array, Int32Array], scales, inputs)
          for (const [i, y] of rows.entries()) {
            expect(outputs[i]).toEqual(dequantise(y, scales, { values: new Int16Array(0), ...inputs[i] } as never))
            const magnitude = y.reduce((high, value) => Math.max(high, Math.abs(value)), 0)
            expect(sums[i]?.[2]).toBe(magnitude)
            if (magnitude > top) continue
            expect(sums[i]?.slice(0, 2)).toEqual(r.map((vector) => (2 * fieldDot(vector, y)) % fieldPrime))
          }
        },
      ),
      { numRuns: 400 },
    )
  },
)

type Given = Parameters<CheckKernels['takeRows']> extends [number, ...infer Rest] ? Rest : never
type Input = { readonly mantissa: number; readonly exponent: number }

/** Of two positions whose accumulators are those of both linears of a group: residues and magnitude, and the outputs. */
function taken(
  kernels: CheckKernels,
  rows: readonly Int32Array[],
  width: 3 | 4,
  r: readonly [Int32Array, Int32Array],
  scales: Uint32Array,
  inputs: readonly Input[],
) {
  const n = scales.length
  const placed = placeScales({ rows: n, columns: 16, scales }, memory)
  let free = place
  const put = (data: Uint8Array | Int32Array): number => {
    const address = free
    memory.write(address, data)
    free += 16 * Math.ceil(data.byteLength / 16) + 16
    return address
  }
  const stride = width * n + 5
  const sent = new Uint8Array(stride * rows.length)
  for (const [i, y] of rows.entries()) sent.set(encodeAccumulators(y, width), stride * i)
  const [x, vectors] = [put(sent), put(interleaved([r]))]
  const scale = put(Int32Array.from(inputs.flatMap(({ mantissa, exponent }) => [mantissa, exponent])))
  const [sums, out, settled] = [put(new Uint8Array(48)), put(new Uint8Array(8 * n)), put(new Uint8Array(32))]
  for (const isFirst of [1, 0]) {
    const { factors, shift, accMax, largest } = placed
    const given = [
      ...[width, stride, 2, vectors, n, every, placed.scales, factors, shift],
      ...[accMax, largest, scale, sums, isFirst, out],
    ] as unknown as Given
    if (kernels.takeSent?.(sent, 0, ...given) !== true) kernels.takeRows(x, ...given)
  }
  kernels.settleRows(sums, 2, settled)
  return {
    sums: [0, 1].map((i) => [...memory.uint32(settled + 16 * i, 3)]),
    outputs: [0, 1].map((i) => memory.int32(out + 4 * n * i, n).slice()),
  }
}
