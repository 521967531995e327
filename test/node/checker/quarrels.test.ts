import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeBatchFile } from '../../../attribution/epochs/batch-file.ts'
import { type BatchReceipt, batchFileOf } from '../../../attribution/epochs/batch-rows.ts'
import type { LedgerBook } from '../../../chain/ledger/ledger-book.ts'
import { silentLog } from '../../../common/log.ts'
import { targets } from '../../../inference/adapter/adapter.ts'
import { encodeAdapter } from '../../../inference/adapter/adapter-file.ts'
import { answerCall } from '../../../inference/check/trace-questions.ts'
import type { CanonicalModel } from '../../../inference/model.ts'
import { encodeModel, modelRoot } from '../../../inference/model-file.ts'
import { treeNumbers } from '../../../inference/one-step/step.ts'
import type { Op } from '../../../inference/trace.ts'
import { QuarrelThread } from '../../../node/checker/quarrel-thread.ts'
import { Quarrels } from '../../../node/checker/quarrels.ts'
import type { Action } from '../../../node/watcher/action.ts'
import type { Hex } from '../../../protocol/bytes.ts'
import type { MoneyEvent } from '../../fakes/money-chain.ts'
import { randomAdapter } from '../../fakes/random-adapter.ts'
import { type Cheat, type Settled, TraceWorld } from '../../fakes/trace-world.ts'

const folder = mkdtempSync(join(tmpdir(), 'openledger-quarrels-'))
const thread = new QuarrelThread([folder])
let world: TraceWorld
beforeAll(async () => {
  const adapterOf = (model: CanonicalModel) => ({
    ...randomAdapter(3, model.config, 8, ['value']),
    base: modelRoot(model),
  })
  world = await TraceWorld.create({ slots: (model) => [{ adapter: adapterOf(model), weight: 40_000 }] })
  writeFileSync(join(folder, 'model.olm'), encodeModel(world.model))
  writeFileSync(join(folder, 'adapter.ola'), encodeAdapter(adapterOf(world.model)))
}, 60_000)
afterAll(async () => {
  await thread.close()
  rmSync(folder, { recursive: true })
})

/** What quarrels ask of a book, over events as they come. */
function bookOf({ batch }: Settled, events: readonly MoneyEvent[]): LedgerBook {
  const named = (name: string, key?: Hex) =>
    events.filter((each) => each.name === name && (key === undefined || each.args['demandId'] === key))
  const book = {
    get head() {
      return { number: world.money.chain.blockNumber, hash: '0x', time: world.money.chain.now }
    },
    batch: () => ({ header: batch.header, segments: batch.built.segments }),
    events: (name: string) => named(name),
    lastEvent: (name: string, key?: Hex) => named(name, key).at(-1),
  }
  return book as unknown as LedgerBook
}

const placeOf = ({ batch: { header } }: Settled) => ({
  ...{ batchId: header.batchId, committedAt: header.committedAt, l2Block: header.l2Block, index: 0 },
})

function answerOf({ ask, output, built }: Settled) {
  const { receipt, sums, request, voucher, signature } = built
  const entries = built.entries.map((entry) => ({ ...entry, weight: BigInt(entry.weight) }))
  const payment = { voucher: { value: voucher, signature: signature.bytes } }
  const tokens = { prompt: Uint32Array.from(ask.input), output: Uint32Array.from(output) }
  return { receipt, sums, request, payment, entries, ...tokens } satisfies BatchReceipt
}

const ask = { input: [0, 120, 44], rule: { tempQ16: 0, topK: 0, topPQ16: 65_536 }, maxTokens: 3, stops: [] }
const lieIn = (op: Op, part = 0): Cheat => ({
  tamper: (unit, values) => {
    if (unit.op === op && unit.position === 1 && unit.part === part) (values as Int32Array)[2] = 5
  },
})

/** What is sent about a suspect answer while its worker shows what it is asked. */
async function played(cheat: Cheat, by = thread) {
  const { chain } = world.money
  return await chain.trial(async () => {
    const settled = await world.settle(ask, cheat)
    const answer = { ...answerOf(settled), ...placeOf(settled) }
    const events: MoneyEvent[] = []
    let due: readonly Action[] = []
    const said: string[] = []
    const quarrels = new Quarrels({
      haveAdapters: async () => true,
      book: bookOf(settled, events),
      files: { get: async () => encodeBatchFile(batchFileOf([answer])) },
      runner: {
        run: (actions) => {
          due = actions
        },
      },
      suspects: async () => [{ answer, stops: [] }],
      modelTerms: async () => ({ root: modelRoot(world.model) }),
      thread: by,
      window: async () => 30n,
      log: { ...silentLog, info: (message) => said.push(message) },
    })
    const calls: string[] = []
    for (let looks = 0; looks < 8; looks++) {
      await quarrels.look(new AbortController().signal)
      for (const { call, price } of due) {
        const value =
          price === undefined ? 0n : ((await chain.read('TraceDemands', 'answerPrice', price.args)) as bigint)
        const sent = await chain.send(world.checker, call.contract, call.functionName, call.args, { value })
        events.push(...sent.events)
        calls.push(call.functionName)
        const asked = sent.events.find(({ name }) => name === 'TraceRequested')?.args
        if (asked === undefined) continue
        const tree = treeNumbers[asked['tree'] as number] ?? 'linear'
        const { trace, head } = settled
        const own = { head, node: trace.node.bind(trace), leaf: trace.leaf.bind(trace) }
        const question = { tree, depth: asked['depth'] as number, index: asked['index'] as number }
        const { functionName, args } = answerCall(question, own)
        const shown = await chain.send(world.worker, 'TraceDemands', functionName, [asked['demandId'], ...args])
        events.push(...shown.events)
      }
    }
    return { calls, due, said }
  })
}

test.each([
  ['the model', lieIn('value')],
  ['an adapter', lieIn('loraUp', targets.indexOf('value'))],
])(
  'a suspect’s quarrel about a lie in %s is raised and played until its receipt is void, and no longer',
  async (_, lie) => {
    const { calls, due } = await played(lie)
    expect(calls.at(-1)).toBe('wrongStep')
    expect(calls.filter((name) => name === 'wrongStep')).toHaveLength(1)
    expect(due).toEqual([])
  },
  60_000,
)

test('an honest answer that is suspect is computed anew, and nothing is asked on chain', async () => {
  expect(await played({})).toEqual({ calls: [], due: [], said: ['a suspect answer is right'] })
}, 60_000)

test('without the model or an adapter of the request nothing is said', async () => {
  const bare = mkdtempSync(join(tmpdir(), 'openledger-quarrels-'))
  writeFileSync(join(bare, 'model.olm'), encodeModel(world.model))
  const poor = new QuarrelThread([bare])
  try {
    const said = ['a suspect answer is not computed anew: its model or adapters are not here']
    expect(await played(lieIn('value'), poor)).toEqual({ calls: [], due: [], said })
  } finally {
    await poor.close()
    rmSync(bare, { recursive: true })
  }
}, 60_000)

test('a suspect that is right, or whose file nobody has, holds up no quarrel about another', async () => {
  const looked: string[] = []
  const { chain } = world.money
  await chain.trial(async () => {
    const settled = await world.settle(ask, {})
    const { header, built } = settled.batch
    const answer = { ...answerOf(settled), ...placeOf(settled) }
    const batch = (id: bigint) => ({
      header: { ...header, receiptRoot: String(id), dataHash: String(id) },
      segments: built.segments,
    })
    const quarrels = new Quarrels({
      haveAdapters: async () => true,
      book: Object.assign(bookOf(settled, []), { batch }),
      files: {
        get: async (hash) => (String(hash) === '2' ? undefined : encodeBatchFile(batchFileOf([answer]))),
      },
      runner: { run: () => {} },
      suspects: async () => [1n, 2n, 3n].map((batchId) => ({ answer: { ...answer, batchId }, stops: [] })),
      modelTerms: async () => ({ root: modelRoot(world.model) }),
      thread: {
        look: async (key) => {
          looked.push(key)
          return { isRight: key === '1 0', actions: [] }
        },
        end: () => {},
      },
      window: async () => 30n,
      log: silentLog,
    })
    for (let looks = 0; looks < 4; looks++) await quarrels.look(new AbortController().signal)
  })
  // One begins at each look; the third goes on from then, while the second has its turn again and again.
  expect(looked).toEqual(['1 0', '3 0', '3 0'])
}, 60_000)
