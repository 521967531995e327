import { expect, test } from 'vitest'
import { encodeBatchFile } from '../../attribution/epochs/batch-file.ts'
import { batchFileOf } from '../../attribution/epochs/batch-rows.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import { createLog } from '../../common/log.ts'
import { encodeFingerprint } from '../../inference/check/fingerprint/fingerprint.ts'
import { fingerprintKinds } from '../../inference/float/float-engine.ts'
import { commitToploc } from '../../protocol/toploc.ts'
import { FingerprintStep } from '../../worker/settle/fingerprint-step.ts'
import { jobFor, signedReceipt } from '../fakes/worker-jobs.ts'
import { account, accountKey, word } from '../fakes/worker-net.ts'

const worker = account(1).address
const never = new AbortController().signal

test('a fingerprint that cannot be shown is told of once, not at every look, and shown when it is there', async () => {
  const job = jobFor(worker, [0, 5], { request: { class: 3, adapters: [] } })
  const receipt = signedReceipt(job, [7], accountKey(1), { proofHash: word(5) }).value
  const answer = {
    ...{ receipt, request: job.request, sums: Array.from({ length: 9 }, () => 0n), entries: [] },
    ...{ payment: { voucher: job.voucher }, prompt: job.tokens, output: Uint32Array.of(7) },
  }
  const header = { worker, class: 3, count: 1, dataHash: word(8), receiptRoot: word(9), l2Block: 4n, batchId: 1n }
  const asked = { demandId: word(1), receipt: 0, index: 0, dueAt: 50n }
  const ledger = {
    ...{ head: { time: 10n }, lastBatch: 1n, highest: () => 0n, lastEvent: () => undefined },
    batch: () => ({ header, segments: [] }),
    events: (name: string) => (name === 'FingerprintRequested' ? [{ args: asked }] : []),
  } as unknown as LedgerBook
  const blocks = [commitToploc([0, 1, 2, 3].map((index) => ({ index, bits: 0x3f80 + index })))]
  const fingerprint = encodeFingerprint({ kind: fingerprintKinds.state, width: 4, positions: 1, blocks })
  const lines: string[] = []
  const sent: string[] = []
  let kept: Uint8Array | undefined
  const step = new FingerprintStep({
    ...{ ledger, book: { fingerprintOf: () => kept } },
    content: { own: async () => encodeBatchFile(batchFileOf([answer])) },
    sender: { address: worker, send: async ({ functionName }) => void sent.push(functionName) as never },
    log: createLog({ level: 'error', format: 'text', write: (line) => lines.push(line) }),
  })
  for (let look = 0; look < 5; look++) expect(await step.run(never)).toBe(false)
  expect(lines.length).toBe(1)
  kept = fingerprint
  expect(await step.run(never)).toBe(true)
  expect([lines.length, sent]).toEqual([1, ['serveFingerprint']])
})
