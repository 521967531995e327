import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeBatchFile } from '../../../attribution/epochs/batch-file.ts'
import { type BatchReceipt, batchFileOf } from '../../../attribution/epochs/batch-rows.ts'
import type { LedgerBook } from '../../../chain/ledger/ledger-book.ts'
import { silentLog } from '../../../common/log.ts'
import { answerCall } from '../../../inference/check/trace-questions.ts'
import { encodeModel, modelRoot } from '../../../inference/model-file.ts'
import { treeNumbers } from '../../../inference/one-step/step.ts'
import { QuarrelThread } from '../../../node/checker/quarrel-thread.ts'
import { Quarrels } from '../../../node/checker/quarrels.ts'
import type { Action } from '../../../node/watcher/action.ts'
import type { Hex } from '../../../protocol/bytes.ts'
import type { MoneyEvent } from '../../fakes/money-chain.ts'
import { type Settled, TraceWorld } from '../../fakes/trace-world.ts'

const folder = mkdtempSync(join(tmpdir(), 'openledger-quarrels-'))
const thread = new QuarrelThread([folder])
let world: TraceWorld
beforeAll(async () => {
  world = await TraceWorld.create()
  writeFileSync(join(folder, 'model.olm'), encodeModel(world.model))
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

test('a suspect’s quarrel is raised and played until its receipt is void, and no longer', async () => {
  const { chain } = world.money
  await chain.trial(async () => {
    const ask = { input: [0, 120, 44], rule: { tempQ16: 0, topK: 0, topPQ16: 65_536 }, maxTokens: 3, stops: [] }
    const settled = await world.settle(ask, {
      tamper: (unit, values) => {
        if (unit.op === 'value' && unit.position === 1) (values as Int32Array)[2] = 5
      },
    })
    const answer = { ...answerOf(settled), ...placeOf(settled) }
    const events: MoneyEvent[] = []
    let due: readonly Action[] = []
    const quarrels = new Quarrels({
      book: bookOf(settled, events),
      files: { get: async () => encodeBatchFile(batchFileOf([answer])) },
      runner: {
        run: (actions) => {
          due = actions
        },
      },
      suspects: async () => [{ answer, stops: [] }],
      modelTerms: async () => ({ root: modelRoot(world.model) }),
      thread,
      window: async () => 30n,
      log: silentLog,
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
    expect(calls.at(-1)).toBe('wrongStep')
    expect(calls.filter((name) => name === 'wrongStep')).toHaveLength(1)
    expect(due).toEqual([])
  })
}, 60_000)
