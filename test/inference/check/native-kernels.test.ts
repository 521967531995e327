import { existsSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CheckKernels, loadCheckKernels, loadWasmKernels } from '../../../inference/check/check-kernels.ts'
import { nativeKernels } from '../../../inference/check/native-kernels.ts'
import { nodeBytes, plainHasher, type RecordHasher } from '../../../inference/check/record-hasher.ts'
import { KernelMemory } from '../../../inference/kernel-memory.ts'
import { makeSigmoidTable } from '../../../inference/tables.ts'

const native = nativeKernels()

/** What Linux says of the processor; nothing elsewhere. */
function flags(): string {
  const file = '/proc/cpuinfo'
  return existsSync(file) ? (/^flags\s*:(.*)$/m.exec(readFileSync(file, 'utf8'))?.[1] ?? '') : ''
}

const wanted = ['avx512f', 'avx512bw', 'avx512dq', 'avx512vl', 'avx512vbmi', 'avx512_vnni', 'sha_ni']

const isAskedFor = process.env['OPENLEDGER_KERNELS'] !== 'wasm'

test.runIf(isAskedFor && wanted.every((flag) => flags().split(' ').includes(flag)))(
  'a processor that has the instructions has the addon, built of the sources as they are (npm run build:native)',
  () => {
    expect(native).toBeDefined()
  },
)

describe.runIf(native !== undefined)('kernels of the addon', () => {
  const count = fc.integer({ min: 1, max: 40 }).map((n) => 8 * n)
  const loudness = fc.constantFrom(0, 1, 15, 5000, 2 ** 20, 2 ** 22, 2 ** 25, 2 ** 31 - 1)
  const positions = 3

  /** Random numbers of a magnitude; the seeds of a run differ. */
  function numbers(n: number, largest: number, seed: number): Int32Array {
    const at = (i: number) => Math.imul(seed + i * 7919, 2_654_435_761) >>> 0
    return Int32Array.from({ length: n }, (_, i) => (at(i) % (2 * largest + 1)) - largest)
  }

  /** What both leave of the same numbers. */
  function bothLeave(
    given: readonly Int32Array[],
    outBytes: number,
    call: (kernels: CheckKernels, places: readonly number[], out: number) => void,
  ): readonly [Uint8Array, Uint8Array] {
    const left = [loadWasmKernels, loadCheckKernels].map((load) => {
      const memory = new KernelMemory()
      const kernels = load(memory.memory)
      const places = given.map((list) => memory.put(list))
      const out = memory.take(outBytes + 64)
      call(kernels, places, out)
      return new Uint8Array(
        Buffer.concat([
          ...places.map((at, i) => memory.bytes(at, given[i]?.byteLength ?? 0)),
          memory.bytes(out, outBytes),
        ]),
      )
    })
    return left as [Uint8Array, Uint8Array]
  }

  const same = (left: readonly [Uint8Array, Uint8Array]) => expect(Buffer.compare(...left)).toBe(0)

  test('norms, quantised rows, sums and SwiGLU have the bits of WebAssembly, quiet, loud and where no fast way fits', () => {
    const table = Int32Array.from(makeSigmoidTable())
    fc.assert(
      fc.property(count, loudness, loudness, fc.nat(), fc.constantFrom(127, 1023), (n, one, two, seed, inputMax) => {
        const [x, y] = [numbers(positions * n, one, seed), numbers(positions * n, two, seed + 1)]
        same(bothLeave([x, y], 4 * positions * n, (k, [a = 0, b = 0], out) => k.norms(a, positions, b, 42_950, n, out)))
        same(
          bothLeave([x], 2 * positions * n + 8 * positions, (k, [a = 0], out) =>
            k.quantiseRows(a, positions, n, out, out + 2 * positions * n, inputMax),
          ),
        )
        same(bothLeave([x, y], 0, (k, [a = 0, b = 0]) => k.addRows(a, b, positions * n)))
        same(
          bothLeave([x, y, table], 4 * positions * n, (k, [a = 0, b = 0, c = 0], out) =>
            k.swiGluRows(a, b, positions, c, n, out),
          ),
        )
      }),
      { numRuns: 300 },
    )
  })

  test('rotated rows have the bits of WebAssembly', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), loudness, fc.nat(), (fours, largest, seed) => {
        const [half, heads] = [4 * fours, 2]
        const x = numbers(positions * heads * 2 * half, largest, seed)
        const angles = new Int32Array(Int16Array.from(numbers(2 * positions * half, 16_384, seed + 2)).buffer)
        const line = 4 * half * heads
        same(
          bothLeave([x, angles], positions * line, (k, [a = 0, b = 0], out) =>
            k.rotateRows(a, b, b + 2 * positions * half, positions, heads, half, out, line, 4 * half),
          ),
        )
      }),
      { numRuns: 200 },
    )
  })

  test('trees over records of any length have the nodes of plain hashing', () => {
    const nodes = (hasher: RecordHasher, records: Uint8Array, n: number, leafBytes: number, levels: number) => {
      const out = new Uint8Array(nodeBytes * n)
      hasher.recordNodes(records, n, 77, leafBytes, levels, out)
      return out
    }
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 0, max: 900 }),
        fc.constantFrom(1, 54, 58, 59, 60, 64, 119, 123, 200),
        fc.nat(),
        (n, length, leafBytes, seed) => {
          const records = new Uint8Array(numbers(n * length, 2 ** 30, seed).buffer).slice(0, n * length)
          const levels = Math.ceil(Math.log2(Math.max(1, Math.ceil(length / leafBytes)))) + (seed % 2)
          const quick = nodes(native as RecordHasher, records, n, leafBytes, levels)
          const plain = nodes(plainHasher, records, n, leafBytes, levels)
          expect(quick).toEqual(plain)
          const holes = Uint8Array.from(plain, (byte, i) => (Math.floor(i / nodeBytes) % 3 === seed % 3 ? 0 : byte))
          const rows = [native as RecordHasher, plainHasher].map((hasher) => {
            const row = holes.slice()
            hasher.foldNodes(row, 5)
            return row.subarray(0, nodeBytes)
          })
          expect(rows[0]).toEqual(rows[1])
        },
      ),
      { numRuns: 400 },
    )
  })

  test('an address outside of the memory is refused, not followed', () => {
    const { buffer } = new WebAssembly.Memory({ initial: 1 })
    expect(() => native?.addRows(buffer, 65_532, 0, 8)).toThrow('outside of the memory')
    expect(() => native?.norms(buffer, 0, 2 ** 30, 0, 0, 8, 0)).toThrow('outside of the memory')
    expect(() => native?.addRows(buffer, -4, 0, 8)).toThrow('does not fit')
    expect(() => native?.addRows(buffer, Number.NaN, 0, 8)).toThrow('no number')
    expect(() => native?.addRows(new Uint8Array(8) as never, 0, 0, 1)).toThrow('no ArrayBuffer')
    expect(() => plainArguments()).toThrow('more leaves than a record has')
  })

  function plainArguments(): void {
    native?.recordNodes(new Uint8Array(100), 1, 0, 10, 3, new Uint8Array(32))
  }
})
