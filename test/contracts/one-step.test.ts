import { beforeAll, describe, expect, test } from 'vitest'
import { type GenesisEvm, RevertError, type Target } from '../../genesis/genesis-evm.ts'
import { stepArgs } from '../../inference/check/dispute.ts'
import { judgeStep, type StepJudge, stepJudgeOf } from '../../inference/one-step/judge-step.ts'
import { opOfId } from '../../inference/one-step/model-places.ts'
import { openStep } from '../../inference/one-step/open-step.ts'
import type { Run, Step, StepContext } from '../../inference/one-step/step.ts'
import { StepError } from '../../inference/one-step/step-error.ts'
import type { SamplingRule } from '../../inference/sampling-rule.ts'
import { ops } from '../../inference/trace.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { Random } from '../fakes/random.ts'
import { randomAdapter } from '../fakes/random-adapter.ts'
import { randomModel, smallConfig, wideInputConfig } from '../fakes/random-model.ts'
import { elementOf, StepWorld, type UnitElement } from '../fakes/step-world.ts'
import { deploy, emptyChain } from './chain.ts'

/** Elements of each world that are asked about. */
const trials = Math.ceil(Number(process.env['OPENLEDGER_FUZZ'] ?? 1_160) / 40)
const wrongStep = 9

const judges: readonly StepJudge[] = ['LinearStep', 'QuantiseStep', 'ElementStep', 'AttentionStep', 'ChoiceStep']
const targets = new Map<StepJudge, Target>()
let evm: GenesisEvm

beforeAll(async () => {
  evm = await emptyChain()
  for (const [i, name] of judges.entries()) {
    targets.set(name, await deploy(evm, name, `0x${'5d'.repeat(19)}0${i}`))
  }
})

/** What the contract says: the fault's number, or the name of its error. */
async function asked(context: StepContext, step: Step, judge = judgeOf(step)): Promise<number | string> {
  try {
    return Number(await evm.call(targets.get(judge) as Target, 'judge', [context, stepArgs(step)]))
  } catch (error) {
    if (!(error instanceof RevertError)) throw error
    return /: ([A-Za-z]+)\(/.exec(error.message)?.[1] ?? error.message
  }
}

/** What the twin says, in the same words. */
function twin(context: StepContext, step: Step): number | string {
  try {
    judgeStep(context, step)
    return wrongStep
  } catch (error) {
    if (error instanceof StepError) return error.code
    throw error
  }
}

function judgeOf({ op }: Step): StepJudge {
  return stepJudgeOf(opOfId(op) ?? 'embedding') ?? 'ElementStep'
}

const rules: readonly SamplingRule[] = [
  { tempQ16: 70_000, topK: 20, topPQ16: 60_000 },
  { tempQ16: 0, topK: 0, topPQ16: 65_536 },
  { tempQ16: 6_554, topK: 0, topPQ16: 1 },
  { tempQ16: 2 ** 32 - 1, topK: 3, topPQ16: 65_536 },
]

/** Models of every size of vocabulary tile, with adapters and without, calm and saturated. */
const worlds: Record<string, () => StepWorld> = {
  'without adapters': () =>
    new StepWorld({ model: randomModel(1), prompt: [3, 1, 4, 1, 5], tout: 3, rule: rules[0] as SamplingRule }),
  'greedy, saturated, accumulators of 3 bytes': () =>
    new StepWorld({
      ...{ model: randomModel(2, { ...smallConfig, tiedHead: false }, 4000), prompt: [7], tout: 4, width: 3 },
      rule: rules[1] as SamplingRule,
    }),
  'two adapters, a vocabulary of two tiles, wide inputs': () => {
    const config = { ...wideInputConfig, vocab: 300, layers: 1, kvHeads: 4 }
    return new StepWorld({
      ...{ model: randomModel(3, config), prompt: [0, 299, 256], tout: 2, rule: rules[3] as SamplingRule },
      slots: [
        { adapter: randomAdapter(4, config, 8, ['query', 'output', 'down']), weight: 40_000 },
        { adapter: randomAdapter(5, config, 16), weight: 65_535 },
      ],
    })
  },
  'two attention tiles': () => {
    const prompt = Array.from({ length: 130 }, (_, i) => (i * 7) % 48)
    const config = { ...smallConfig, layers: 1, context: 140 }
    return new StepWorld({ model: randomModel(6, config), prompt, tout: 2, rule: rules[2] as SamplingRule })
  },
}

/** Every op of the world equally often: of a world's units, most are attention tiles. */
function picks(world: StepWorld, random: Random, count: number): UnitElement[] {
  const byOp = new Map<string, ReturnType<StepWorld['units']>>()
  for (const unit of world.units()) byOp.set(unit.op, [...(byOp.get(unit.op) ?? []), unit])
  const names = [...byOp.keys()]
  return Array.from({ length: count }, (_, i) => {
    const { count: elements, ...unit } = random.pick(byOp.get(names[i % names.length] as string) ?? [])
    return { ...unit, element: random.chance(0.3) ? elements - 1 : random.int(elements) }
  })
}

/** Another value that an op's width holds; marks of a choice change as tokens and logits do. */
function otherValue(op: UnitElement['op'], random: Random): (value: number) => number {
  const max = { 1: 127, 2: 32_767, 4: 2 ** 23 - 1, 8: 2 ** 40 }[ops[op].bytes]
  return (value) => {
    const near = value + random.pick([1, -1])
    if (random.chance(0.6) && Math.abs(near) <= max) return near
    const far = random.pick([0, max, -max, Math.trunc(value / 2)])
    return far === value ? (value === 1 ? 2 : 1) : far
  }
}

describe.each(Object.entries(worlds))('%s', (_, make) => {
  test('no honest element is found wrong', async () => {
    const world = make()
    const sources = world.sources()
    for (const unit of picks(world, new Random(11), trials)) {
      const { step, isWrong } = openStep(sources, elementOf(unit))
      const said = await asked(sources.context, step)
      expect({ unit, isWrong, said, twin: twin(sources.context, step) }).toEqual({
        ...{ unit, isWrong: false, said: 'NoFault', twin: 'NoFault' },
      })
    }
  }, 600_000)

  test('every element that is changed is found wrong, where it is or by what the rule makes of it', async () => {
    const world = make()
    const random = new Random(12)
    for (const unit of picks(world, random, trials)) {
      const sources = world.sources(unit, otherValue(unit.op, random))
      const { step } = openStep(sources, elementOf(unit))
      const said = await asked(sources.context, step)
      expect(twin(sources.context, step)).toBe(said)
      if (unit.op !== 'choice' || said === wrongStep) expect({ unit, said }).toEqual({ unit, said: wrongStep })
      else expect({ unit, found: await wrongElsewhere(world, unit, sources) }).toEqual({ unit, found: true })
    }
  }, 600_000)
})

/** A choice's marks and sums are bound by each other and by the tiles: one of them shows what is wrong. */
async function wrongElsewhere(world: StepWorld, unit: UnitElement, sources: ReturnType<StepWorld['sources']>) {
  for (const { count, ...other } of world.units()) {
    if (other.position !== unit.position || (other.op !== 'choice' && other.op !== 'choiceTile')) continue
    for (let element = 0; element < count; element++) {
      try {
        const { step, isWrong } = openStep(sources, elementOf({ ...other, element }))
        if (isWrong) return (await asked(sources.context, step)) === wrongStep
      } catch (error) {
        if (!(error instanceof StepError)) throw error
      }
    }
  }
  return false
}

describe('a step that shows something else', () => {
  const flipped = (bytes: Uint8Array, random: Random) => {
    const copy = Uint8Array.from(bytes)
    if (copy.length > 0) copy[random.int(copy.length)] = random.int(256)
    return copy
  }
  const damagedRun = (run: Run, random: Random): Run => {
    const sibling = run.siblings[0] ?? new Uint8Array(32)
    return random.pick<() => Run>([
      () => ({ ...run, data: flipped(run.data, random) }),
      () => ({ ...run, data: run.data.subarray(1) }),
      () => ({ ...run, data: new Uint8Array(0) }),
      () => ({ ...run, first: random.pick([run.first + 1, 2 ** 32 - 1]) }),
      () => ({ ...run, siblings: run.siblings.slice(1) }),
      () => ({ ...run, siblings: [...run.siblings, sibling] }),
      () => ({ ...run, siblings: run.siblings.map((each) => flipped(each, random)) }),
    ])()
  }
  const damages: Record<string, (step: Step, random: Random) => Step> = {
    'another op': (step, random) => ({ ...step, op: random.int(40) }),
    'another layer': (step, random) => ({ ...step, layer: random.int(4) }),
    'another position': (step, random) => ({ ...step, position: random.int(10) }),
    'another part': (step, random) => ({ ...step, part: random.pick([1, 5, 13, 14, 2 ** 31]) }),
    'another element': (step, random) => ({ ...step, element: random.pick([step.element + 1, 0, 40, 2 ** 32 - 1]) }),
    'another head': (step, random) => ({ ...step, head: { ...step.head, tin: random.int(9) } }),
    'a section less': (step, random) => ({ ...step, model: without(step.model, random) }),
    'a record less': (step, random) => ({ ...step, trace: without(step.trace, random) }),
    'other tokens': (step, random) => ({ ...step, tokens: step.tokens.map((run) => damagedRun(run, random)) }),
    'one token more': (step) => ({ ...step, tokens: [...step.tokens, ...step.tokens] }),
    'a damaged section': (step, random) => ({
      ...step,
      model: changed(step.model, random, (each) => ({ ...each, run: damagedRun(each.run, random) })),
    }),
    'a section of another name': (step, random) => ({
      ...step,
      model: changed(step.model, random, (each) => ({
        ...each,
        ...random.pick<object>([
          { leaf: flipped(each.leaf, random) },
          { leaf: each.leaf.subarray(0, random.int(46)) },
          { section: each.section + 1 },
          { file: random.int(4) },
          { siblings: each.siblings.slice(1) },
        ]),
      })),
    }),
    'a damaged record': (step, random) => ({
      ...step,
      trace: changed(step.trace, random, (each) => ({
        ...each,
        ...(random.chance(0.2)
          ? { tree: each.tree === 'linear' ? ('derived' as const) : ('linear' as const) }
          : { run: damagedRun(each.run, random) }),
      })),
    }),
  }

  test.each(Object.entries(damages))(
    '%s: the contracts and the twin say the same, and no honest element is wrong',
    async (_, damage) => {
      const random = new Random(13)
      const world = (worlds['two adapters, a vocabulary of two tiles, wide inputs'] as () => StepWorld)()
      const sources = world.sources()
      for (const unit of picks(world, random, Math.ceil(trials / 2))) {
        const step = damage(openStep(sources, elementOf(unit)).step, random)
        const known = opOfId(step.op)
        if (known !== undefined && stepJudgeOf(known) === undefined) continue
        const said = await asked(sources.context, step)
        expect({ unit, said }).toEqual({ unit, said: twin(sources.context, step) })
        expect(said).not.toBe(wrongStep)
      }
    },
    600_000,
  )

  test('of another answer is not opened', async () => {
    const world = (worlds['without adapters'] as () => StepWorld)()
    const sources = world.sources()
    const [unit] = picks(world, new Random(14), 1) as [UnitElement]
    const { step } = openStep(sources, elementOf(unit))
    const other: Hex = `0x${'0e'.repeat(32)}`
    const contexts: Partial<StepContext>[] = [
      { modelRoot: other },
      { traceRoot: other },
      { promptRoot: other },
      { tin: 4 },
      { tout: 4 },
      { adapters: [{ root: other, weight: 1 }] },
    ]
    for (const change of contexts) {
      const context = { ...sources.context, ...change }
      const said = await asked(context, step)
      expect({ change, said }).toEqual({ change, said: twin(context, step) })
      expect(said).not.toBe('NoFault')
      expect(said).not.toBe(wrongStep)
    }
  })

  test('of an op that another judge has is refused', async () => {
    const world = (worlds['without adapters'] as () => StepWorld)()
    const sources = world.sources()
    const seen = new Set<string>()
    for (const { count, ...unit } of world.units()) {
      if (seen.has(unit.op)) continue
      seen.add(unit.op)
      const { step } = openStep(sources, elementOf({ ...unit, element: count - 1 }))
      for (const judge of judges.filter((each) => each !== stepJudgeOf(unit.op))) {
        expect(await asked(sources.context, step, judge)).toBe('WrongOp')
      }
    }
    // All but norms and logits, which are not committed, and the four of adapters.
    expect(seen.size).toBe(Object.keys(ops).length - 8)
  })
})

function without<Item>(list: readonly Item[], random: Random): Item[] {
  const index = random.int(Math.max(1, list.length))
  return list.filter((_, i) => i !== index)
}

function changed<Item>(list: readonly Item[], random: Random, change: (item: Item) => Item): Item[] {
  const index = random.int(Math.max(1, list.length))
  return list.map((item, i) => (i === index ? change(item) : item))
}
