import { Registry } from 'prom-client'
import { decodeFunctionData, encodeFunctionData, parseAbi } from 'viem'
import { expect, test } from 'vitest'
import { systemClock } from '../../../common/clock.ts'
import { RpcError } from '../../../common/json-rpc.ts'
import { OutputOracle } from '../../../node/proposer/output-oracle.ts'
import { Proposer } from '../../../node/proposer/proposer.ts'
import { bytesToHex, type Hex } from '../../../protocol/bytes.ts'
import { outputRootV0 } from '../../../protocol/output-root.ts'
import { JsonRpcL1 } from '../../fakes/json-rpc-l1.ts'
import { l1Parts, log, temporaryDirectory, txManager } from '../../fakes/l1-parts.ts'
import { FakeL2Chain } from '../../fakes/l2-chain.ts'
import { testRollupConfig } from '../../fakes/rollup-config.ts'
import { until } from '../../fakes/until.ts'

const oracleAddress: Hex = '0x00000000000000000000000000000000000000aa'
const interval = 5n
const abi = parseAbi([
  'function nextBlockNumber() view returns (uint256)',
  'function proposeL2Output(bytes32 outputRoot, uint256 l2BlockNumber, bytes32 l1BlockHash, uint256 l1BlockNumber) payable',
])
const nextSelector = encodeFunctionData({ abi, functionName: 'nextBlockNumber' })

/** A proposer, an L2 of 30 blocks and an L1 whose oracle takes every fifth block in order. */
async function world(options: { readonly allowNonFinalized?: boolean } = {}) {
  const l1 = new JsonRpcL1()
  l1.mine(3)
  const parts = l1Parts([l1])
  const l2 = new FakeL2Chain(testRollupConfig())
  const origin = await parts.l1.blockInfoByHash(l1.head.hash)
  for (let i = 0; i < 30; i++) l2.build(origin)
  l2.headL1 = origin
  const proposals = () =>
    l1.sentTo(oracleAddress).map((tx) => decodeFunctionData({ abi, data: bytesToHex(tx.data) }).args as ProposalArgs)
  l1.intercept = (method, [call]) => {
    if (method !== 'eth_call') return undefined
    const { data } = call as { data: Hex }
    const next = BigInt(proposals().length + 1) * interval
    if (data === nextSelector) return `0x${next.toString(16).padStart(64, '0')}`
    const [, l2BlockNumber] = decodeFunctionData({ abi, data }).args as ProposalArgs
    if (l2BlockNumber !== next) throw new RpcError(3, 'execution reverted: not the next')
    return '0x'
  }
  const heads = { finalized: 0 }
  const directory = await temporaryDirectory()
  const make = async () => {
    const txs = await txManager(parts, { receiptPollMs: 1, directory })
    return new Proposer(
      { pollIntervalMs: 2, allowNonFinalized: options.allowNonFinalized ?? false },
      {
        l2: {
          syncStatus: () => ({ headL1: l2.headL1, safeL2: l2.safe, finalizedL2: l2.ref(heads.finalized) }),
          payloadByNumber: l2.payloadByNumber,
          messagePasserRoot: async () => {
            throw new Error('the payload has the root')
          },
        },
        oracle: new OutputOracle(oracleAddress, { rpc: parts.rpc }),
        txs,
        clock: systemClock,
        log,
        registry: new Registry(),
      },
    )
  }
  return { l1, l2, heads, proposals, make }
}

type ProposalArgs = readonly [Hex, bigint, Hex, bigint]

test('outputs are posted when their block is final, each once, tied to an L1 block', async () => {
  const { l1, l2, heads, proposals, make } = await world()
  const proposer = await make()
  l2.safe = l2.ref(30)
  heads.finalized = 12
  proposer.start()
  await until(() => {
    if (l1.pool.size > 0) l1.mine()
    return proposals().length === 2
  })
  await new Promise((done) => setTimeout(done, 20))
  await proposer.stop()
  expect(proposals().map(([, number]) => number)).toEqual([5n, 10n])
  const payload = l2.payloads[5]?.executionPayload
  const expected = {
    stateRoot: payload?.stateRoot as Hex,
    withdrawalStorageRoot: payload?.withdrawalsRoot as Hex,
    blockHash: payload?.blockHash as Hex,
  }
  expect(proposals()[0]?.[0]).toBe(outputRootV0(expected))
  const [, , l1Hash, l1Number] = proposals()[0] ?? []
  expect(l1.chain[Number(l1Number)]?.hash).toBe(l1Hash)
})

test('safe blocks are enough where the option says so', async () => {
  const { l1, l2, proposals, make } = await world({ allowNonFinalized: true })
  const proposer = await make()
  l2.safe = l2.ref(5)
  proposer.start()
  await until(() => {
    if (l1.pool.size > 0) l1.mine()
    return proposals().length === 1
  })
  await proposer.stop()
})

test('a proposal on its way at a restart is seen through and not made twice', async () => {
  const { l1, heads, proposals, make } = await world()
  heads.finalized = 7
  const first = await make()
  first.start()
  await until(() => l1.pool.size === 1)
  await first.stop()
  const second = await make()
  second.start()
  await until(() => {
    if (l1.pool.size > 0) l1.mine()
    return proposals().length === 1
  })
  heads.finalized = 10
  await until(() => {
    if (l1.pool.size > 0) l1.mine()
    return proposals().length === 2
  })
  await second.stop()
  expect(proposals().map(([, number]) => number)).toEqual([5n, 10n])
})

test('an address without an oracle is a clear error', async () => {
  const oracle = new OutputOracle(oracleAddress, { rpc: { request: async () => '0x' } })
  await expect(oracle.nextBlockNumber()).rejects.toThrow('there is no OutputOracle at')
})
