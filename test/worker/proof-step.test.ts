import { expect, test } from 'vitest'
import { encodeBatchFile } from '../../attribution/epochs/batch-file.ts'
import { batchFileOf } from '../../attribution/epochs/batch-rows.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import { silentLog } from '../../common/log.ts'
import { stopHash } from '../../inference/answer/stops.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { AnswerTask } from '../../worker/backends/backend.ts'
import { ProofStep } from '../../worker/settle/proof-step.ts'
import { jobFor, signedReceipt } from '../fakes/worker-jobs.ts'
import { account, accountKey, word } from '../fakes/worker-net.ts'

const worker = account(1).address
const stops = [Uint8Array.of(10)]
const never = new AbortController().signal

/** A worker that was started anew, with one receipt in an open batch of its own. */
function world(proofClass: number, served: readonly Hex[] = []) {
  const sampling = { tempQ16: 0, topK: 0, topPQ16: 65_536, maxTokens: 64, stopHash: stopHash(stops) }
  const job = jobFor(worker, [0, 5], { request: { class: proofClass, adapters: [], sampling } })
  const receipt = signedReceipt(job, [7], accountKey(1), { proofHash: word(5) }).value
  const answer = {
    ...{ receipt, request: job.request, sums: Array.from({ length: 9 }, () => 0n), entries: [] },
    ...{ payment: { voucher: job.voucher }, prompt: job.tokens, output: Uint32Array.of(7) },
  }
  const header = {
    worker,
    class: proofClass,
    count: 1,
    dataHash: word(8),
    receiptRoot: word(9),
    l2Block: 4n,
    batchId: 1n,
  }
  const state = { isMature: false, beacon: undefined as Hex | undefined }
  const ledger = {
    lastBatch: 1n,
    highest: () => 0n,
    batch: () => ({ header, segments: [] }),
    events: (name: string) => (name === 'BatchMatured' && state.isMature ? [{ args: {} }] : []),
  } as unknown as LedgerBook
  const tasks: AnswerTask[] = []
  const announced: Hex[] = []
  const step = new ProofStep({
    ...{ ledger, worker, log: silentLog },
    book: { stopsOf: () => stops, fingerprintOf: () => undefined },
    content: { own: async () => encodeBatchFile(batchFileOf([answer])) },
    backend: {
      trace: async (task) => {
        tasks.push(task)
        return { traceRoot: receipt.traceRoot, proof: Uint8Array.of(1) }
      },
      sample: async (task) => {
        tasks.push(task)
        return Uint8Array.of(2)
      },
    },
    proofs: {
      has: (hash) => served.includes(hash),
      keep: async ([first = 0]) => word(first),
      announceAs: (_, hash) => void announced.push(hash),
    },
    modelRoot: async () => word(3),
    beacon: async () => state.beacon,
  })
  return { step, state, tasks, announced }
}

test('a proof that a restart lost is made again with its stop strings and announced, once', async () => {
  const { step, tasks, announced } = world(1)
  expect(await step.run(never)).toBe(true)
  expect(await step.run(never)).toBe(false)
  expect(announced).toEqual([word(1)])
  expect(tasks).toMatchObject([{ stops, traced: true, sampled: false, modelRoot: word(3) }])
})

test('a proof that is served already is not made, nor that of a batch that is over or of another class', async () => {
  const [here, other, over] = [world(1, [word(5)]), world(3), world(1)]
  over.state.isMature = true
  for (const { step, tasks, announced } of [here, other, over]) {
    expect(await step.run(never)).toBe(false)
    expect([tasks, announced]).toEqual([[], []])
  }
})

test('of class SAMPLED a file is made when the layers are drawn, whatever the receipt names', async () => {
  const { step, state, tasks, announced } = world(2)
  expect(await step.run(never)).toBe(false)
  expect(announced).toEqual([])
  state.beacon = word(77)
  expect(await step.run(never)).toBe(true)
  expect(await step.run(never)).toBe(false)
  expect(announced).toEqual([word(2)])
  expect(tasks).toMatchObject([{ sampled: true }])
})
