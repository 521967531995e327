import { DepositTx, hashOutputRootProof, SourceHashDomain } from '@eth-optimism/core-utils'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { userSourceHash } from '../../protocol/deposits.ts'
import { outputRootV0 } from '../../protocol/output-root.ts'
import { encodeTransaction, transactionHash } from '../../protocol/transaction.ts'

/** Cross-checks against the OP Stack's own TypeScript library, where it is right: deposits and output roots. */
const word = fc.uint8Array({ minLength: 32, maxLength: 32 })
const address = fc.uint8Array({ minLength: 20, maxLength: 20 })
const uint = (bits: number) => fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n })

test('deposit transactions have the bytes and hashes of @eth-optimism/core-utils', () => {
  fc.assert(
    fc.property(
      word,
      uint(32),
      address,
      fc.option(address, { nil: undefined }),
      uint(100),
      uint(100),
      uint(60),
      fc.uint8Array({ maxLength: 80 }),
      (l1BlockHash, logIndex, from, to, mint, value, gasLimit, data) => {
        const theirs = new DepositTx({
          domain: SourceHashDomain.UserDeposit,
          l1BlockHash: bytesToHex(l1BlockHash),
          logIndex: Number(logIndex),
          from: bytesToHex(from),
          to: to === undefined ? null : bytesToHex(to),
          mint: `0x${mint.toString(16)}`,
          value: `0x${value.toString(16)}`,
          gas: `0x${gasLimit.toString(16)}`,
          isSystemTransaction: false,
          data: bytesToHex(data),
        })
        const sourceHash = userSourceHash(l1BlockHash, logIndex)
        const raw = encodeTransaction({
          type: 0x7e,
          sourceHash,
          from,
          to,
          mint,
          value,
          gasLimit,
          isSystemTx: false,
          data,
        })
        expect(bytesToHex(sourceHash)).toBe(theirs.sourceHash())
        expect(bytesToHex(raw)).toBe(theirs.encode())
        expect(bytesToHex(transactionHash(raw))).toBe(theirs.hash())
      },
    ),
    { numRuns: 50 },
  )
})

test('output roots have the hash of @eth-optimism/core-utils', () => {
  fc.assert(
    fc.property(word, word, word, (stateRoot, withdrawalStorageRoot, blockHash) => {
      const [state, storage, block]: Hex[] = [stateRoot, withdrawalStorageRoot, blockHash].map(bytesToHex)
      const theirs = hashOutputRootProof({
        version: `0x${'00'.repeat(32)}`,
        stateRoot: state ?? '0x',
        messagePasserStorageRoot: storage ?? '0x',
        latestBlockhash: block ?? '0x',
      })
      const ours = outputRootV0({
        stateRoot: state ?? '0x',
        withdrawalStorageRoot: storage ?? '0x',
        blockHash: block ?? '0x',
      })
      expect(ours).toBe(theirs)
    }),
    { numRuns: 50 },
  )
})
