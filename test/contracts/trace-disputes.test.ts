import { beforeAll, describe, expect, test } from 'vitest'
import { choiceElements, choiceTileElements } from '../../inference/choice.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import { Oracle } from '../../inference/oracle.ts'
import { type Op, ops, type Unit } from '../../inference/trace.ts'
import { randomAdapter } from '../fakes/random-adapter.ts'
import { randomNumbers } from '../fakes/random-model.ts'
import { type Ask, type Cheat, type Outcome, TraceWorld } from '../fakes/trace-world.ts'

/** Numbers of `Fault`. */
const [dataWithheld, wrongStep] = [8, 9]

let world: TraceWorld
beforeAll(async () => {
  world = await TraceWorld.create()
}, 60_000)

const ask: Ask = {
  input: [0, 120, 44, 7, 250, 131],
  rule: { tempQ16: 70_000, topK: 20, topPQ16: 60_000 },
  maxTokens: 4,
  stops: [],
}

/** How a quarrel about such an answer ends. */
async function quarrel(cheat: Cheat = {}, asked: Ask = ask, isSilent = false): Promise<Outcome> {
  const { chain } = world.money
  return await chain.trial(async () => await world.quarrel(await world.settle(asked, cheat), { isSilent }))
}

/** Ends in one transaction by this call, in which the worker loses half of what it staked. */
function expectShown(outcome: Outcome, by: string): void {
  expect(outcome).toMatchObject({ kind: 'void', by, fault: wrongStep, slashed: 500n * 10n ** 18n })
  if (outcome.kind !== 'void') return
  expect(outcome.gas).toBeLessThan(3_000_000n)
  expect(outcome.rounds).toBeLessThanOrEqual(5)
}

test('an honest answer: two roots are asked for, and nothing is left to say', async () => {
  expect(await quarrel()).toEqual({ kind: 'right', rounds: 1 })
})

/** Changes one element of one unit, in the place that engines go on with it where they do. */
function alterOne(op: Op, at: Omit<Unit, 'op'>, element: number, by: number): NonNullable<Cheat['tamper']> {
  return (unit, values) => {
    const isThere = unit.op === op && unit.layer === at.layer && unit.position === at.position && unit.part === at.part
    if (isThere) (values as Int32Array)[element] = ((values as Int32Array)[element] ?? 0) + by
  }
}

describe('one wrong element', () => {
  const elsewhere: readonly Op[] = ['attentionNorm', 'ffnNorm', 'finalNorm', 'logits', 'choice', 'choiceTile']
  const ofTrace = (Object.keys(ops) as Op[]).filter((op) => !elsewhere.includes(op) && !op.startsWith('lora'))

  test.each(ofTrace)('of %s: shown in one step, whatever follows from it', async (op) => {
    const random = randomNumbers(ops[op].id + 1)
    const isOfLayer = op !== 'embedding' && !op.startsWith('head')
    const position = op.startsWith('head') ? 5 + Math.floor(random() * 4) : Math.floor(random() * 9)
    const at = { layer: isOfLayer ? Math.floor(random() * 2) : 0, position, part: 0 }
    expectShown(await quarrel({ tamper: alterOne(op, at, Math.floor(random() * 2), 1) }), 'wrongStep')
  })

  test.each(Array.from({ length: choiceElements }, (_, i) => i))('%i of a choice', async (element) => {
    const choose: Cheat['choose'] = (choice, position) => {
      if (position === 6) choice.choice[element] = (choice.choice[element] ?? 0) + 1
      return choice
    }
    expectShown(await quarrel({ choose }), 'wrongStep')
  })

  test.each(Array.from({ length: choiceTileElements }, (_, i) => i))('%i of a tile of a choice', async (element) => {
    const choose: Cheat['choose'] = (choice, position) => {
      const at = choiceTileElements + element
      if (position === 7) choice.tiles[at] = (choice.tiles[at] ?? 0) + 1
      return choice
    }
    expectShown(await quarrel({ choose }), 'wrongStep')
  })
})

describe('wrong tokens', () => {
  test('one swapped after it was sampled: the choice says another', async () => {
    const output = (tokens: number[]) => tokens.splice(3, 1, ((tokens[3] ?? 0) + 5) % 200)
    expectShown(await quarrel({ output }), 'wrongStep')
  })

  test('one chosen that sampling does not give, with a choice that says so', async () => {
    const choose: Cheat['choose'] = ({ token, choice, tiles }, position) => {
      if (position !== 6) return { token, choice, tiles }
      choice[6] = token === 9 ? 8 : 9
      return { token: choice[6], choice, tiles }
    }
    expectShown(await quarrel({ choose }), 'wrongStep')
  })

  test('the model run on another prompt: the embedding is not that of the token', async () => {
    expectShown(await quarrel({ input: [0, 120, 44, 8, 250, 131] }), 'wrongStep')
  })

  test('the model run on a shorter prompt: the head counts other tokens', async () => {
    expectShown(await quarrel({ input: [0, 120, 44] }), 'badTraceHead')
  })

  test('tokens that the model has not, in the output', async () => {
    const { vocab } = world.model.config
    expectShown(await quarrel({ output: (tokens) => tokens.splice(3, 1, vocab) }), 'noSuchToken')
  })
})

describe('an answer that does not end where it should', () => {
  /** Tokens that an answer to {@link ask} has. */
  async function honestOutput(asked: Ask): Promise<readonly number[]> {
    return await world.money.chain.trial(async () => (await world.settle(asked)).output)
  }

  test('ends early: nothing ends it', async () => {
    expectShown(await quarrel({ tout: 2 }), 'stoppedEarly')
  })

  test('ends early, although the request has stop strings', async () => {
    expectShown(await quarrel({ tout: 3 }, { ...ask, maxTokens: 30, stops: [Uint8Array.of(1, 2, 3)] }), 'stoppedEarly')
  })

  test('ends with nothing', async () => {
    expectShown(await quarrel({ output: (tokens) => tokens.splice(0) }), 'stoppedEarly')
  })

  test('goes on behind the most tokens', async () => {
    expectShown(await quarrel({ tout: 6 }), 'ranOverLimit')
  })

  test('goes on behind eos', async () => {
    const output = (tokens: number[]) => tokens.splice(1, 1, world.model.config.eos)
    expectShown(await quarrel({ output }), 'ranOverEnd')
  })

  test('goes on behind a stop string, which may lie in several tokens; at it, it ends rightly', async () => {
    // Without temperature, so that other stop strings make no other answer.
    const long = { ...ask, rule: { ...ask.rule, tempQ16: 0 }, maxTokens: 12 }
    const output = await honestOutput(long)
    const bytes = world.bytesOf(output.slice(0, 6))
    const stops = [bytes.slice(-2)]
    expect(await quarrel({}, { ...long, stops })).toMatchObject({ kind: 'right' })
    expectShown(await quarrel({ tout: 9 }, { ...long, stops }), 'ranOverStop')
  })
})

describe('a trace of another form', () => {
  const leaf = Uint8Array.of(7)
  const heads: readonly (readonly [string, NonNullable<Cheat['head']>])[] = [
    ['counts a position more', (head) => ({ ...head, positions: head.positions + 1 })],
    ['counts an input token less', (head) => ({ ...head, tin: head.tin - 1 })],
    ['has accumulators of 5 bytes', (head) => ({ ...head, width: 5 as 4 })],
    ['has a tree of one level more', (head) => ({ ...head, linearDepth: head.linearDepth + 1 })],
    ['has the other tree of one level less', (head) => ({ ...head, derivedDepth: head.derivedDepth - 1 })],
  ]
  test.each(heads)('%s: the head is wrong', async (_, head) => {
    expectShown(await quarrel({ head }), 'badTraceHead')
  })

  const places: readonly (readonly [string, NonNullable<Cheat['leaves']>])[] = [
    ['lacks a leaf', ({ derived }) => derived.delete(world.layout.leafIndex('derived', 1, 3, 0))],
    ['lacks accumulators of the head', ({ linear }) => linear.delete(world.layout.leafIndex('linear', 3, 8, 0))],
    ['has a leaf behind the answer', ({ derived }) => derived.set(world.layout.leafIndex('derived', 2, 100, 0), leaf)],
    ['has a leaf of no slab', ({ linear }) => linear.set(world.layout.leafIndex('linear', 0, 1, 0), leaf)],
    [
      'has a leaf of one byte more',
      ({ derived }) => {
        const index = world.layout.leafIndex('derived', 2, 4, 0)
        derived.set(index, Uint8Array.of(...(derived.get(index) ?? []), 0))
      },
    ],
    [
      'has a leaf of one byte less, beside a wrong unit',
      ({ linear, derived }) => {
        const index = world.layout.leafIndex('linear', 1, 0, 0)
        linear.set(index, (linear.get(index) ?? leaf).slice(0, -1))
        const other = world.layout.leafIndex('derived', 2, 4, 0)
        derived.set(
          other,
          (derived.get(other) ?? leaf).map((byte) => byte ^ 1),
        )
      },
    ],
  ]
  test.each(places)('%s: the place is shown', async (_, leaves) => {
    expectShown(await quarrel({ leaves }), 'badTracePlace')
  })
})

describe('a trace that is not shown', () => {
  const nothing = new Uint8Array(32).fill(7)

  test.each([
    ['nothing', {}],
    ['a root of no tree', { head: (head) => ({ ...head, derivedRoot: nothing }) }],
  ] satisfies (readonly [string, Cheat])[])('%s: the receipt is void, the worker slashed', async (_, cheat) => {
    const outcome = await quarrel(cheat, ask, true)
    expect(outcome).toMatchObject({ kind: 'void', by: 'traceMissing', fault: dataWithheld })
    if (outcome.kind === 'void') expect(outcome.slashed).toBeGreaterThan(100n * 10n ** 18n)
  })
})

describe('an honest worker', () => {
  test('answers whatever is asked of its trace in time, is paid for it, and nothing is missing', async () => {
    const { chain } = world.money
    await chain.trial(async () => {
      const settled = await world.settle(ask)
      const random = randomNumbers(5)
      const dispute = world.dispute(settled)
      const before = chain.balance(world.worker)
      const trees = ['linear', 'derived'] as const
      for (const tree of trees) {
        const root = { tree, depth: 0, index: 0 }
        await world.show(settled, dispute, root, await world.ask(settled, dispute, root))
      }
      for (let i = 0; i < 20; i++) {
        const tree = trees[i % 2] ?? 'linear'
        const question = world.someNode(settled, tree, random)
        const id = await world.ask(settled, dispute, question)
        await world.show(settled, dispute, question, id)
        const { opened, segments } = world.openedOf(settled)
        chain.advance(1)
        const { depth, index } = question
        const missing = [opened, segments, trees.indexOf(tree), depth, index]
        expect((await chain.fails(world.checker, 'DisputeGame', 'traceMissing', missing)).error).toBe('AlreadyServed')
        if (chain.now >= settled.batch.header.committedAt + 9n) break
      }
      expect(chain.balance(world.worker)).toBeGreaterThanOrEqual(before)
    })
  })

  test('is not asked for what is not there: absent nodes, below leaves, other trees, other heads, other classes, too late', async () => {
    const { chain } = world.money
    await chain.trial(async () => {
      const settled = await world.settle(ask)
      const { opened } = world.openedOf(settled)
      const [head, node] = world.nodeOf(settled, 'derived', { depth: 6, index: 0 })
      const value = 10n ** 18n
      const fails = async (args: readonly unknown[], name = 'requestNode') =>
        (await chain.fails(world.checker, 'TraceDemands', name, args, { value })).error
      const [, absent] = world.nodeOf(settled, 'derived', { depth: 3, index: 7 })
      expect(await fails([opened, head, absent])).toBe('NothingThere')
      expect(await fails([opened, head, { ...node, depth: head.derivedDepth + 1 }])).toBe('NothingThere')
      expect(await fails([opened, head, { ...node, depth: 0 }])).toBe('NothingThere')
      expect(await fails([opened, head, { ...node, tree: 2 }])).toBe('NoSuchTree')
      expect(await fails([opened, head, { ...node, tree: 0 }])).toBe('WrongTraceNode')
      expect(await fails([opened, head, { ...node, index: node.index + 64 }])).toBe('WrongTraceNode')
      expect(await fails([opened, { ...head, derivedDepth: 99 }, node])).toBe('WrongTraceHead')
      expect(await fails([opened, 2], 'requestRoot')).toBe('NoSuchTree')
      const poor = { value: 1n }
      const cheap = await chain.fails(world.checker, 'TraceDemands', 'requestNode', [opened, head, node], poor)
      expect(cheap.error).toBe('PrepaidTooSmall')
      await chain.send(world.checker, 'TraceDemands', 'requestNode', [opened, head, node], { value })
      expect(await fails([opened, head, node])).toBe('AlreadyRequested')
      chain.advance(10)
      expect(await fails([opened, 0], 'requestRoot')).toBe('RequestsClosed')
    })
  })

  test('cannot answer with another node, a longer leaf, or late; then who asked has the wei back', async () => {
    const { chain } = world.money
    await chain.trial(async () => {
      const settled = await world.settle(ask)
      const dispute = world.dispute(settled)
      const root = { tree: 'derived', depth: 0, index: 0 } as const
      const id = await world.ask(settled, dispute, root)
      const [head] = world.nodeOf(settled, 'derived', { depth: 6, index: 0 })
      const nodes = Array.from({ length: 256 }, () => `0x${'07'.repeat(32)}`)
      const fails = async (name: string, args: readonly unknown[]) =>
        (await chain.fails(world.worker, 'TraceDemands', name, [id, ...args])).error
      expect(await fails('serveRoot', [head, nodes])).toBe('NotCommitted')
      expect(await fails('serveRoot', [head, nodes.slice(1)])).toBe('WrongNodeCount')
      expect(await fails('serveNodes', [nodes])).toBe('WrongAnswer')
      expect(await fails('serveLeaf', ['0x07'])).toBe('WrongAnswer')
      expect(await fails('returnPrepaid', [])).toBe('AnswerNotDue')
      chain.advance(10)
      expect(await fails('serveRoot', [head, nodes])).toBe('AnswerLate')
      const before = chain.balance(world.checker)
      await chain.send(world.worker, 'TraceDemands', 'returnPrepaid', [id])
      expect(chain.balance(world.checker)).toBeGreaterThan(before)
      expect(await fails('returnPrepaid', [])).toBe('NothingPrepaid')
      expect(chain.balance('TraceDemands')).toBe(0n)
    })
  })

  test('is not shown wrong by what shows a cheat to be wrong', async () => {
    const { chain } = world.money
    const refusals = new Set<string>()
    for (const [i, cheat] of cheats.entries()) {
      await chain.trial(async () => {
        const proof = await chain.trial(async () => await world.proofOf(await world.settle(ask, cheat)))
        const honest = await world.settle(ask)
        const { opened, segments } = world.openedOf(honest)
        const args = [opened, segments, honest.built.request, ...proof.args]
        const { error } = await chain.fails(world.checker, 'DisputeGame', proof.functionName, args)
        expect(error, `cheat ${i}: ${proof.functionName}`).toMatch(/^[A-Z]/)
        refusals.add(error)
      })
    }
    expect(refusals.size).toBeGreaterThan(2)
  })

  test('is not shown wrong in any element of its own trace, nor by its head, places, end', async () => {
    const { chain } = world.money
    await chain.trial(async () => {
      const settled = await world.settle(ask)
      for (const { functionName, args } of world.accusations(settled, randomNumbers(11))) {
        const { opened, segments } = world.openedOf(settled)
        const all = [opened, segments, settled.built.request, ...args]
        const { error } = await chain.fails(world.checker, 'DisputeGame', functionName, all)
        expect(['NoFault', 'NoSuchOutput', 'OtherPlace'], functionName).toContain(error)
      }
    })
  })
})

/** One of each kind. */
const cheats: readonly Cheat[] = [
  { tamper: alterOne('gate', { layer: 1, position: 3, part: 0 }, 1, 1) },
  { tamper: alterOne('cachedKey', { layer: 0, position: 7, part: 0 }, 0, 3) },
  { tamper: alterOne('embedding', { layer: 0, position: 0, part: 0 }, 2, 1) },
  { tout: 2 },
  { tout: 6 },
  { head: (head) => ({ ...head, positions: head.positions + 1 }) },
  { leaves: ({ derived }) => derived.set(world.layout.leafIndex('derived', 2, 100, 0), Uint8Array.of(1)) },
  { output: (tokens) => tokens.splice(1, 1, world.model.config.eos) },
  { output: (tokens) => tokens.splice(3, 1, world.model.config.vocab) },
]

describe('what is judged', () => {
  test('a stream that the payer cut ends where it was cut, and no call shows that it ended early', async () => {
    const { chain } = world.money
    expect(await quarrel({ tout: 2, isCut: true })).toEqual({ kind: 'right', rounds: 1 })
    await chain.trial(async () => {
      const proof = await chain.trial(async () => await world.proofOf(await world.settle(ask, { tout: 2 })))
      const cut = await world.settle(ask, { tout: 2, isCut: true })
      const { opened, segments } = world.openedOf(cut)
      const [config, text] = proof.args
      const failing = async (payment: unknown) => {
        const args = [opened, segments, cut.built.request, config, text, payment]
        return (await chain.fails(world.checker, 'DisputeGame', 'stoppedEarly', args)).error
      }
      const { payment } = cut.answer
      expect(await failing(payment)).toBe('NoFault')
      expect(await failing({ ...(payment as object), cut: false })).toBe('WrongPayment')
    })
  })

  test('class SAMPLED as EXACT; of other classes nothing is asked and nothing shown', async () => {
    const { chain } = world.money
    const tamper = alterOne('down', { layer: 0, position: 2, part: 0 }, 1, 1)
    expectShown(await quarrel({ tamper, proofClass: 2 }), 'wrongStep')
    await chain.trial(async () => {
      const proof = await chain.trial(async () => await world.proofOf(await world.settle(ask, { tamper })))
      const signed = await world.settle(ask, { tamper, proofClass: 3 })
      const { opened, segments } = world.openedOf(signed)
      const value = 10n ** 18n
      expect((await chain.fails(world.checker, 'TraceDemands', 'requestRoot', [opened, 0], { value })).error).toBe(
        'NoTrace',
      )
      const args = [opened, segments, signed.built.request, ...proof.args]
      expect((await chain.fails(world.checker, 'DisputeGame', proof.functionName, args)).error).toBe('NotCanonical')
    })
  })

  test('the receipt is void, half of the slash is kept for who showed it, and the payer is owed the fee', async () => {
    const { chain } = world.money
    await chain.trial(async () => {
      const settled = await world.settle(ask, { tamper: alterOne('up', { layer: 0, position: 2, part: 0 }, 1, 1) })
      const game = chain.balance('DisputeGame')
      expectShown(await world.quarrel(settled), 'wrongStep')
      const { batchId } = settled.batch.header
      expect(await chain.read('InferenceMarket', 'isVoid', [batchId, 0])).toBe(true)
      expect(await chain.read('WorkerRegistry', 'isActive', [world.worker.address])).toBe(false)
      expect(chain.balance('DisputeGame') - game).toBe(250n * 10n ** 18n)
      const voided = (await chain.read('InferenceMarket', 'voidedSums', [batchId])) as readonly bigint[]
      expect(voided[0]).toBe(settled.built.receipt.fee)
    })
  })

  test('the request shown has to be the receipt’s, and the receipt the batch’s', async () => {
    const { chain } = world.money
    await chain.trial(async () => {
      const cheat = { tamper: alterOne('up', { layer: 0, position: 2, part: 0 }, 1, 1) }
      const settled = await world.settle(ask, cheat)
      const proof = await world.proofOf(settled)
      const { opened, segments } = world.openedOf(settled)
      const { request } = settled.built
      const failing = async (first: unknown, second: unknown) => {
        const args = [first, segments, second, ...proof.args]
        return (await chain.fails(world.checker, 'DisputeGame', proof.functionName, args)).error
      }
      expect(await failing(opened, { ...request, nonce: request.nonce + 1n })).toBe('WrongRequest')
      const other = { ...opened, receipt: { ...opened.receipt, traceRoot: `0x${'11'.repeat(32)}` } }
      expect(await failing(other, request)).not.toBe('')
      expect(await chain.read('InferenceMarket', 'isVoid', [opened.header.batchId, 0])).toBe(false)
    })
  })
})

describe('with adapters', () => {
  let adapted: TraceWorld
  beforeAll(async () => {
    const { config } = world.model
    const slots = [
      { adapter: randomAdapter(3, config, 8, ['query', 'value', 'gate', 'down']), weight: 50_000 },
      { adapter: randomAdapter(4, config, 16, ['value', 'output', 'up', 'key']), weight: 9_000 },
    ]
    adapted = await TraceWorld.create({ slots })
  }, 60_000)

  test('an honest answer is right, and none of its elements can be shown wrong', async () => {
    const { chain } = adapted.money
    await chain.trial(async () => {
      const settled = await adapted.settle(ask)
      expect(await adapted.quarrel(settled)).toEqual({ kind: 'right', rounds: 1 })
      for (const { functionName, args } of adapted.accusations(settled, randomNumbers(2))) {
        const { opened, segments } = adapted.openedOf(settled)
        const all = [opened, segments, settled.built.request, ...args]
        const { error } = await chain.fails(adapted.checker, 'DisputeGame', functionName, all)
        expect(['NoFault', 'NoSuchOutput', 'OtherPlace'], functionName).toContain(error)
      }
    })
  })

  const units = [
    ...[0, 2, 4, 6].map((target) => ['loraDown', target] as const),
    ...(['loraScale', 'loraInput', 'loraUp'] as const).flatMap((op) => [[op, 2] as const, [op, 9] as const]),
    ...(['query', 'value', 'cachedValue', 'output', 'activation', 'ffnResidual'] as const).map(
      (op) => [op, 0] as const,
    ),
  ]
  test.each(units)('a wrong %s, part %i', async (op, part) => {
    const outcome = await adapted.money.chain.trial(async () => {
      const tamper = alterOne(op, { layer: 1, position: 4, part }, 3, 1)
      const element = op === 'loraScale' ? alterOne(op, { layer: 1, position: 4, part }, 0, 1) : tamper
      return await adapted.quarrel(await adapted.settle(ask, { tamper: element }))
    })
    expectShown(outcome, 'wrongStep')
  })
})

describe('of other shapes', () => {
  test('a context of 2^15 and heads of 9,000 tokens: as many rounds as eights of levels, and one', async () => {
    const large = await TraceWorld.create({ shape: { context: 2 ** 15, vocab: 9_000 } })
    expect(large.layout.depth('derived')).toBeGreaterThan(20)
    for (const op of ['ffnInput', 'head', 'cachedValue'] as const) {
      const at = { layer: op === 'head' ? 0 : 1, position: 6, part: 0 }
      const outcome = await large.money.chain.trial(async () => {
        return await large.quarrel(await large.settle(ask, { tamper: alterOne(op, at, 1, 1) }))
      })
      expectShown(outcome, 'wrongStep')
      expect(outcome.rounds).toBe(Math.ceil(large.layout.depth(op === 'head' ? 'linear' : 'derived') / 8) + 1)
    }
  }, 60_000)

  test('accumulators that three bytes do not hold: the first is wrong, where they are committed so', async () => {
    // A row of the first layer that points where the first token's input does, which is loud everywhere.
    const prepare = (model: CanonicalModel) => {
      model.embedding.weights.fill(127, 0, model.config.dim)
      new Oracle(model).start().append(ask.input.slice(0, 1), ({ op, layer }, values) => {
        if (op !== 'attentionInput' || layer !== 0) return
        model.layers[0]?.query.weights.set(
          Array.from(values, (value) => (value < 0 ? -127 : 127)),
          3 * values.length,
        )
      })
    }
    const loud = await TraceWorld.create({ shape: { dim: 2_048 }, prepare })
    const outcome = (cheat: Cheat) =>
      loud.money.chain.trial(async () => await loud.quarrel(await loud.settle(ask, cheat)))
    expect(await outcome({ width: 4 })).toMatchObject({ kind: 'right' })
    expectShown(await outcome({ width: 3 }), 'wrongStep')
  }, 120_000)
})

test('any bytes of any leaves changed, left out or added: always shown, whatever they are', async () => {
  const runs = 10 * Number(process.env['OPENLEDGER_FUZZ'] ?? 1)
  const shown = new Map<string, number>()
  for (let seed = 0; seed < runs; seed++) {
    const random = randomNumbers(1_000 + seed)
    const leaves: Cheat['leaves'] = (trees) => {
      for (let edits = 1 + Math.floor(random() * 3); edits > 0; edits--) forgeSome(trees, random)
    }
    const outcome = await quarrel({ leaves })
    expect(outcome, `seed ${seed}`).toMatchObject({ kind: 'void', fault: wrongStep })
    if (outcome.kind === 'void') shown.set(outcome.by, (shown.get(outcome.by) ?? 0) + 1)
    expect(outcome.rounds).toBeLessThanOrEqual(5)
  }
  expect([...shown.keys()].sort()).toEqual(['badTracePlace', 'wrongStep'])
}, 600_000)

/** Changes bytes of a leaf, takes one away, or puts one where there is none. */
function forgeSome(trees: Parameters<NonNullable<Cheat['leaves']>>[0], random: () => number): void {
  const leaves = random() < 0.5 ? trees.linear : trees.derived
  const indexes = [...leaves.keys()]
  const index = indexes[Math.floor(random() * indexes.length)] ?? 0
  const bytes = Uint8Array.from(leaves.get(index) ?? [])
  const kind = random()
  if (kind < 0.08) leaves.delete(index)
  else if (kind < 0.16) leaves.set(index + 1 + Math.floor(random() * 3), bytes.slice(1))
  else {
    for (let flips = 1 + Math.floor(random() * 4); flips > 0; flips--) {
      const at = Math.floor(random() * bytes.length)
      bytes[at] = (bytes[at] ?? 0) ^ (1 + Math.floor(random() * 255))
    }
    leaves.set(index, bytes)
  }
}
