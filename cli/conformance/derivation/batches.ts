import { silentLog } from '../../../common/log.ts'
import {
  type BatchContext,
  type BatchVerdict,
  checkSingularBatch,
  checkSpanBatch,
  checkSpanBatchHolocene,
} from '../../../node/derive/batch-check.ts'
import type { L2Chain } from '../../../node/derive/sources.ts'
import type { L1BlockRef, L2BlockRef } from '../../../protocol/block-ref.ts'
import { type Hex, hexToBytes, zeroAddress, zeroHash } from '../../../protocol/bytes.ts'
import type { ExecutionPayload, PayloadEnvelope } from '../../../protocol/engine-api.ts'
import { isActive } from '../../../protocol/hardforks.ts'
import { l1InfoDepositOf } from '../../../protocol/l1-info.ts'
import type { RollupConfig } from '../../../protocol/rollup-config.ts'
import type { SingularBatch } from '../../../protocol/singular-batch.ts'
import type { SpanBatch } from '../../../protocol/span-batch.ts'
import { encodeTransaction } from '../../../protocol/transaction.ts'
import { bytes, child, type Fields, hasAny, hash, integer, isFields, list } from '../fields.ts'
import { expectEqual, type VectorRunner } from '../vector.ts'

/** Verdicts on batches, each with the L1 window, the safe head and what the L2 node can serve. */
export const batchRunner: VectorRunner = {
  name: 'batch verdicts',
  matches: (_folder, json) => hasAny(json, 'cases') && hasAny(json, 'l1') && hasAny(json, 'l2'),
  run: async (json, report) => {
    const l1 = child(json, 'l1')
    const l2 = child(json, 'l2')
    for (const [i, one] of list(json, 'cases').entries()) {
      await report.check(`cases[${i}] ${one['kind']}: ${one['name']}`, async () => {
        expectEqual(await verdict(one, l1, l2), one['expected'], 'verdict')
      })
    }
  },
}

async function verdict(one: Fields, l1: Fields, l2: Fields): Promise<BatchVerdict> {
  const config = configOf(child(one, 'config'))
  const named = (names: Fields, name: unknown): Fields => (isFields(name) ? name : child(names, String(name)))
  const context: BatchContext = {
    config,
    l1Blocks: (one['l1Blocks'] as unknown[]).map((name) => l1Ref(named(l1, name))),
    safeHead: l2Ref(named(l2, one['safeHead'])),
    inclusion: l1Ref(named(l1, one['inclusionBlock'])),
    log: silentLog,
  }
  const batches = list(one, 'batches').map(singular)
  const [first] = batches
  if (one['kind'] === 'singular') {
    if (first === undefined) throw new Error('the case has no batch')
    return checkSingularBatch(first, context)
  }
  if (one['kind'] !== 'span') throw new Error(`unknown kind of batch ${String(one['kind'])}`)
  const span: SpanBatch = {
    kind: 'span',
    parentCheck: hexToBytes(first?.parentHash ?? zeroHash).subarray(0, 20),
    l1OriginCheck: hexToBytes(batches.at(-1)?.epochHash ?? zeroHash).subarray(0, 20),
    blocks: batches,
  }
  const served = servedBlocks(one, l1, l2, context)
  // From Holocene on the rest is checked block by block, as singular batches.
  if (isActive(config.forkTimes, 'holocene', context.inclusion.timestamp)) {
    return (await checkSpanBatchHolocene(span, context, served)).verdict
  }
  return checkSpanBatch(span, context, served)
}

function configOf(fields: Fields): RollupConfig {
  const time = (value: unknown) => (value === null || value === undefined ? undefined : integer(value))
  const delta = time(fields['deltaTime'])
  const others = Object.entries(fields).filter(([key]) => /^[a-z]+Time$/.test(key) && key !== 'blockTime')
  return {
    genesis: {
      l1: { hash: zeroHash, number: 0n },
      l2: { hash: zeroHash, number: 0n },
      l2Time: integer(fields['l2GenesisTime']),
      systemConfig: {
        batcherAddr: zeroAddress,
        overhead: zeroHash,
        scalar: zeroHash,
        gasLimit: 0n,
        eip1559Params: '0x0000000000000000',
        operatorFeeParams: zeroHash,
        minBaseFee: 0n,
        daFootprintGasScalar: 0,
      },
    },
    blockTime: integer(fields['blockTime']),
    maxSequencerDrift: integer(fields['maxSequencerDrift']),
    seqWindowSize: integer(fields['seqWindowSize']),
    channelTimeout: integer(fields['channelTimeout'] ?? 300),
    l1ChainId: 1n,
    l2ChainId: integer(fields['l2ChainId'] ?? 10),
    forkTimes: { ...Object.fromEntries(others.map(([key, value]) => [key.slice(0, -4), time(value)])), delta },
    batchInboxAddress: zeroAddress,
    depositContractAddress: zeroAddress,
    l1SystemConfigAddress: zeroAddress,
    protocolVersionsAddress: zeroAddress,
    feeConstants: { eip1559Elasticity: 6n, eip1559Denominator: 50n, eip1559DenominatorCanyon: 250n },
  }
}

function l1Ref(fields: Fields): L1BlockRef {
  return {
    hash: hash(fields['hash']),
    number: integer(fields['number']),
    parentHash: hash(fields['parentHash'] ?? zeroHash),
    timestamp: integer(fields['time'] ?? fields['timestamp']),
  }
}

function l2Ref(fields: Fields): L2BlockRef {
  const origin = child(fields, 'l1Origin')
  return {
    ...l1Ref(fields),
    l1Origin: { hash: hash(origin['hash']), number: integer(origin['number']) },
    sequenceNumber: integer(fields['sequenceNumber'] ?? 0),
  }
}

function singular(fields: Fields): SingularBatch {
  return {
    kind: 'singular',
    parentHash: hash(fields['parentHash'] ?? zeroHash),
    epochNum: integer(fields['epochNum']),
    epochHash: hash(fields['epochHash'] ?? zeroHash),
    timestamp: integer(fields['timestamp']),
    transactions: ((fields['transactions'] ?? []) as unknown[]).map((tx) => bytes(tx, 'transaction')),
  }
}

/**
 * Blocks the L2 node has; the vectors name those it has, all others fail as a node that does not answer. A file that has
 * none of these names is of another make: its node has them all.
 */
const servedNames = ['l2A0', 'l2A1', 'l2A2', 'l2B0']

function servedBlocks(
  one: Fields,
  l1: Fields,
  l2: Fields,
  context: BatchContext,
): Pick<L2Chain, 'l2BlockRefByNumber' | 'payloadByNumber'> {
  const overrides = hasAny(one, 'overrideBlocks') ? child(one, 'overrideBlocks') : {}
  const isNamed = servedNames.some((name) => l2[name] !== undefined)
  const served = isNamed ? [...servedNames, ...Object.keys(overrides)] : Object.keys(l2)
  const names = served.filter((name) => l2[name] !== undefined)
  const blocks = new Map(names.map((name) => [l2Ref(child(l2, name)).number, name]))
  blocks.set(context.safeHead.number, blocks.get(context.safeHead.number) ?? '')
  const find = (number: bigint) => {
    const name = blocks.get(number)
    if (name === undefined || name === '') throw new Error(`block ${number} cannot be read`)
    return name
  }
  return {
    l2BlockRefByNumber: async (number) => l2Ref(child(l2, find(number))),
    payloadByNumber: async (number) => {
      const name = find(number)
      const override = overrides[name]
      return payload(l2Ref(child(l2, name)), l1, isFields(override) ? override : undefined)
    },
  }
}

/** A block with the L1-info deposit alone, or with the given transactions. */
function payload(ref: L2BlockRef, l1: Fields, override: Fields | undefined): PayloadEnvelope {
  const origin = Object.keys(l1)
    .map((name) => l1Ref(child(l1, name)))
    .find((block) => block.hash === ref.l1Origin.hash)
  const transactions = ((override?.['transactions'] ?? []) as unknown[]).map((tx) => bytes(tx, 'transaction'))
  return { executionPayload: executionPayload(ref, override === undefined ? [l1InfoTx(ref, origin)] : transactions) }
}

function l1InfoTx(ref: L2BlockRef, origin: L1BlockRef | undefined): Uint8Array {
  return encodeTransaction(
    l1InfoDepositOf(
      {
        format: 'bedrock',
        number: ref.l1Origin.number,
        timestamp: origin?.timestamp ?? 0n,
        baseFee: 7n,
        blockHash: ref.l1Origin.hash,
        sequenceNumber: ref.sequenceNumber,
        batcherAddr: zeroAddress,
        overhead: zeroHash,
        scalar: zeroHash,
        baseFeeScalar: 0,
        blobBaseFeeScalar: 0,
        blobBaseFee: 0n,
        operatorFeeScalar: 0,
        operatorFeeConstant: 0n,
        daFootprintGasScalar: 0,
      },
      true,
    ),
  )
}

function executionPayload(ref: L2BlockRef, transactions: readonly Uint8Array[]): ExecutionPayload {
  const zero: Hex = zeroHash
  return {
    parentHash: ref.parentHash,
    feeRecipient: zeroAddress,
    stateRoot: zero,
    receiptsRoot: zero,
    logsBloom: new Uint8Array(256),
    prevRandao: zero,
    blockNumber: ref.number,
    gasLimit: 30_000_000n,
    gasUsed: 0n,
    timestamp: ref.timestamp,
    extraData: new Uint8Array(0),
    baseFeePerGas: 7n,
    blockHash: ref.hash,
    transactions,
  }
}
