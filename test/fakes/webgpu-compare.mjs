// Runs models on the GPU and on the oracle, and prints the units that differ.
import { register } from 'tsx/esm/api'

register()
const { WebGpuEngine } = await import('../../inference/webgpu/webgpu-engine.ts')
const { Oracle } = await import('../../inference/oracle.ts')
const { scoreScale } = await import('../../inference/model-config.ts')
const { randomAdapter } = await import('./random-adapter.ts')
const { randomModel, smallConfig, wideInputConfig } = await import('./random-model.ts')
const { recordUnits } = await import('./record-units.ts')

/** Odd vocabulary, heads of 8, 24 and 128, tiles of 64 and 128, every loudness, wide inputs. */
const cases = [
  { config: smallConfig, gain: 1, length: 21 },
  { config: { ...smallConfig, vocab: 47, tiedHead: false, kvHeads: 4, layers: 1 }, gain: 4000, length: 5 },
  {
    config: { ...wideInputConfig, dim: 48, heads: 2, kvHeads: 1, headDim: 24, ...scoreScale(24), layers: 1 },
    gain: 30,
    length: 5,
  },
  {
    config: { ...smallConfig, dim: 16, heads: 1, kvHeads: 1, headDim: 128, ...scoreScale(128), layers: 1, ffnDim: 16 },
    gain: 1,
    length: 70,
  },
  { config: smallConfig, gain: 0.01, length: 3 },
  { config: wideInputConfig, gain: 4000, length: 5 },
]

let [units, wrong] = [0, 0]
for (const [i, { config, gain, length }] of cases.entries()) {
  const model = randomModel(i, config, gain)
  const slots = [
    { adapter: randomAdapter(i, config, 8, ['query', 'value', 'down'], gain), weight: 60_000 },
    { adapter: randomAdapter(i + 9, config, 64, undefined, gain), weight: 9 },
  ].slice(0, i % 3)
  const tokens = Array.from({ length }, (_, at) => (at * 7) % 40)
  const [expected, actual] = [new Map(), new Map()]
  const oracle = new Oracle(model).start({ slots })
  oracle.append(tokens, recordUnits(expected, config.inputMax), length - 2)
  const engine = await WebGpuEngine.open(model)
  const session = engine.start({ slots, positions: length + 1 })
  const cut = Math.floor(length / 3)
  await session.append(tokens.slice(0, cut), recordUnits(actual, config.inputMax), cut)
  await session.append(tokens.slice(cut), recordUnits(actual, config.inputMax), length - cut - 2)
  const [last, same] = [await session.append([3]), oracle.append([3])]
  for (const [name, bytes] of expected) {
    units++
    if (actual.get(name) === bytes) continue
    if (wrong++ < 5) process.stdout.write(`case ${i}: ${name} differs\n`)
  }
  if (actual.size !== expected.size || last.some((logit, at) => logit !== same[at])) {
    wrong++
    process.stdout.write(`case ${i}: other logits or units\n`)
  }
  session.close()
  await engine.close()
}
process.stdout.write(`${units} units, ${wrong} differ\n`)
