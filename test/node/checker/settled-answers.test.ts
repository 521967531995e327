import { expect, test } from 'vitest'
import type { LedgerBook } from '../../../chain/ledger/ledger-book.ts'
import { SettledAnswers } from '../../../node/checker/settled-answers.ts'
import type { Hex } from '../../../protocol/bytes.ts'
import { word } from '../../fakes/worker-net.ts'

test('files that nobody has keep no file behind them from being read', async () => {
  const book = {
    highest: (name: string) => (name === 'BatchCommitted' ? 40n : 0n),
    batch: (id: bigint) => ({ header: { batchId: id, dataHash: word(Number(id)) } }),
    events: () => [],
  }
  const asked: Hex[] = []
  const files = {
    get: async (hash: Hex) => {
      asked.push(hash)
      return hash === word(40) ? new Uint8Array(1) : undefined
    },
  }
  // What is asked of a book here.
  const answers = new SettledAnswers(book as unknown as LedgerBook, files)
  for (let looks = 0; looks < 4; looks++) await answers.look(new AbortController().signal)
  expect(asked).toHaveLength(4 * 16)
  expect(new Set(asked).size).toBe(40)
  expect(asked.filter((hash) => hash === word(40))).toHaveLength(1)
})
