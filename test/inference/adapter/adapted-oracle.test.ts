import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Slot, targets } from '../../../inference/adapter/adapter.ts'
import { InferenceError } from '../../../inference/inference-error.ts'
import { Oracle } from '../../../inference/oracle.ts'
import { randomAdapter } from '../../fakes/random-adapter.ts'
import { randomModel, smallConfig } from '../../fakes/random-model.ts'

const model = randomModel(7)
const oracle = new Oracle(model)
const adapter = randomAdapter(3, smallConfig)
const logits = (slots: readonly Slot[], tokens: readonly number[] = [1, 2, 3]) => oracle.start({ slots }).append(tokens)

/** docs/canonical-inference.md §5.9 for one linear, written from the page with big integers alone. */
function adapted(
  y: readonly bigint[],
  up: { acc: ArrayLike<number>; scales: Uint32Array; mantissa: number; exponent: number },
  weight: bigint,
): bigint[] {
  const max = 2n ** 31n - 1n
  const sat = (a: bigint) => (a > max ? max : a < -max ? -max : a)
  const rsh = (a: bigint, s: bigint) => (a + (1n << (s - 1n))) >> s
  return y.map((value, n) => {
    const [scale, shift] = [BigInt((up.scales[n] ?? 0) >>> 8), BigInt((up.scales[n] ?? 0) & 255)]
    const d = sat(rsh(BigInt(up.acc[n] ?? 0) * BigInt(up.mantissa) * scale, shift - BigInt(up.exponent)))
    return sat(value + rsh(d * weight, 16n))
  })
}

describe('adapters in the oracle', () => {
  test('a value is cached with what two adapters add to it, in order', () => {
    const slots = [
      { adapter: randomAdapter(1, smallConfig, 8, ['value'], 900), weight: 65_535 },
      { adapter: randomAdapter(2, smallConfig, 16, ['value', 'key'], 900), weight: 20_000 },
    ]
    const seen = new Map<string, number[]>()
    oracle.start({ slots }).append([9], ({ op, layer, part }, values) => {
      if (layer === 0) seen.set(`${op} ${part}`, Array.from(values))
    })
    const of = (name: string) => seen.get(name) ?? []
    const scaleOf = (name: string) => ({ mantissa: of(name)[0] ?? 0, exponent: of(name)[1] ?? 0 })
    const base = { acc: of('value 0'), scales: model.layers[0]?.value.scales ?? new Uint32Array(0) }
    let y = base.acc.map((acc, n) => {
      const [scale, shift] = [BigInt((base.scales[n] ?? 0) >>> 8), BigInt((base.scales[n] ?? 0) & 255)]
      const { mantissa, exponent } = scaleOf('attentionScale 0')
      const s = shift - BigInt(exponent)
      return (BigInt(acc) * BigInt(mantissa) * scale + (1n << (s - 1n))) >> s
    })
    for (const [i, { adapter: one, weight }] of slots.entries()) {
      const part = 7 * i + targets.indexOf('value')
      const scales = one.layers[0]?.value?.up.scales ?? new Uint32Array(0)
      y = adapted(y, { acc: of(`loraUp ${part}`), scales, ...scaleOf(`loraScale ${part}`) }, BigInt(weight))
    }
    expect(of('cachedValue 0')).toEqual(y.map((a) => Math.max(-32_767, Math.min(32_767, Number((a + 32n) >> 6n)))))
    expect([...seen.keys()].filter((name) => name.startsWith('loraUp'))).toEqual(['loraUp 8', 'loraUp 2', 'loraUp 9'])
  })

  test('each target changes the answer, weight 0 does not, and neither does an adapter of zeros', () => {
    const plain = logits([])
    for (const target of targets) {
      expect(logits([{ adapter: randomAdapter(4, smallConfig, 8, [target]), weight: 65_535 }])).not.toEqual(plain)
    }
    expect(logits([{ adapter, weight: 0 }])).toEqual(plain)
    const zeros = randomAdapter(4, smallConfig, 8, targets, 0)
    expect(logits([{ adapter: zeros, weight: 65_535 }])).toEqual(plain)
  })

  test('a prompt in pieces gives the logits of the whole', () => {
    const slots = [{ adapter, weight: 40_000 }]
    fc.assert(
      fc.property(fc.array(fc.nat(47), { minLength: 2, maxLength: 8 }), fc.nat(6), (tokens, cut) => {
        const session = oracle.start({ slots })
        const at = Math.min(cut + 1, tokens.length - 1)
        session.append(tokens.slice(0, at))
        expect(session.append(tokens.slice(at))).toEqual(logits(slots, tokens))
      }),
      { numRuns: 10 },
    )
  })

  test.each([
    ['five adapters', Array.from({ length: 5 }, () => ({ adapter, weight: 1 }))],
    ['a weight of 65536', [{ adapter, weight: 65_536 }]],
    ['a weight of one half', [{ adapter, weight: 0.5 }]],
    ['a negative weight', [{ adapter, weight: -1 }]],
    ['an adapter of fewer layers', [{ adapter: { ...adapter, layers: adapter.layers.slice(1) }, weight: 1 }]],
    ['an adapter of another width', [{ adapter: randomAdapter(1, { ...smallConfig, dim: 48 }), weight: 1 }]],
    [
      'an adapter whose layers have different targets',
      [{ adapter: { ...adapter, layers: [...adapter.layers.slice(1), {}] }, weight: 1 }],
    ],
  ])('%s: refused', (_, slots) => {
    expect(() => oracle.start({ slots })).toThrow(InferenceError)
  })
})
