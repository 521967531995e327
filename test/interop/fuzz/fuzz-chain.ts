import { buildGenesis } from '../../../genesis/build-genesis.ts'
import { devPreset } from '../../../genesis/presets.ts'
import { bytesToHex, type Hex, quantity, uintBytes, zeroHash } from '../../../protocol/bytes.ts'
import type { PayloadAttributes, PayloadEnvelope } from '../../../protocol/engine-api.ts'
import { activatesAt, type ForkTimes, type Hardfork, isActive } from '../../../protocol/hardforks.ts'
import { l1InfoDepositOf, l1InfoFormat } from '../../../protocol/l1-info.ts'
import { payloadBlockHash } from '../../../protocol/payload-block.ts'
import { privateKeyAddress } from '../../../protocol/secp256k1.ts'
import { encodeTransaction } from '../../../protocol/transaction.ts'
import { Random } from '../../fakes/random.ts'
import { withForks } from '../fork-schedule.ts'
import { forwarder, largeReturn, ProgramMaker, recursion } from './bytecode.ts'
import { hexAddress } from './precompile-inputs.ts'
import {
  authorityKeys,
  forwarderAddress,
  largeReturnAddress,
  recursionAddress,
  senderKeys,
  TransactionMaker,
} from './transactions.ts'
import type { TwinEngines } from './twin-engines.ts'

const blockTime = 2n
const genesisTime = 1_700_000_000n
const contracts = 40
/** Room for twenty transactions of any kind. */
const gasLimit = 200_000_000n
const contractAddresses = Array.from({ length: contracts }, (_, i) => hexAddress(0xc000 + i))
const fixed = [
  [forwarderAddress, forwarder],
  [recursionAddress, recursion],
  [largeReturnAddress, largeReturn],
] as const
const targets: readonly Uint8Array[] = [
  ...contractAddresses,
  ...authorityKeys.map(privateKeyAddress),
  ...[1, 2, 4, 5, 9, 0x100, 0xdead].map(hexAddress),
  forwarderAddress,
]

/** Time of block `number` of a chain that {@link fuzzGenesis} made. */
export const timeOf = (number: number): bigint => genesisTime + blockTime * BigInt(number)

/** Our dev genesis with these forks, funded senders and contracts of random code. */
export async function fuzzGenesis(seed: number, times: ForkTimes): Promise<Record<string, unknown>> {
  const address = (n: number): Hex => bytesToHex(hexAddress(n))
  const { genesis } = await buildGenesis(
    devPreset(),
    { hash: `0x${'ab'.repeat(32)}`, number: 1n, timestamp: genesisTime },
    { systemConfig: address(0x5c), optimismPortal: address(0xde), openBridge: address(0xb1) },
  )
  const programs = new ProgramMaker(new Random(seed), targets)
  const funded = [...senderKeys, ...authorityKeys].map((key) => [
    bytesToHex(privateKeyAddress(key)),
    { balance: quantity(10n ** 26n) },
  ])
  const random = contractAddresses.map((at) => [bytesToHex(at), account(programs.program())])
  const known = fixed.map(([at, code]) => [bytesToHex(at), account(code)])
  const alloc = { ...(genesis['alloc'] as object), ...Object.fromEntries([...funded, ...random, ...known]) }
  return withForks({ ...genesis, gasLimit: quantity(gasLimit), alloc }, times)
}

const account = (code: Uint8Array) => ({ balance: '0x1000', nonce: '0x1', code: bytesToHex(code) })

/** What a run did, for a test to see that it did something. */
export type FuzzCounts = { transactions: number; blocks: number; refusedBlocks: number; reverted: number }

/**
 * Blocks of random transactions through both engines, each block built by one and executed by the other, until there
 * are `transactions` of them. Throws with the seed, the block and the fewest transactions that still differ.
 */
export async function fuzz(twins: TwinEngines, options: { seed: number; transactions: number }): Promise<FuzzCounts> {
  const { seed } = options
  const counts: FuzzCounts = { transactions: 0, blocks: 0, refusedBlocks: 0, reverted: 0 }
  for (let round = 0; counts.transactions < options.transactions; round++) {
    const random = new Random(seed + round * 1_000_003)
    const attributes = attributesOf(twins, random)
    const maker = transactionMaker(twins, random)
    const deposits = random.list(random.int(4), () => maker.deposit())
    // Spec: protocol/jovian/derivation.md, "Activation Block Rules".
    const isQuiet = activatesAt(twins.genesis.forkTimes, 'jovian', attributes.timestamp, twins.headTime)
    const signed = random.list(isQuiet ? 0 : 1 + random.int(35), () => maker.signed())
    const full = { ...attributes, transactions: [...attributes.transactions, ...deposits, ...signed] }
    const where = `seed ${seed}, round ${round}, on block ${counts.blocks}`
    const builder = random.chance(0.5) ? twins.embedded : twins.remote
    const built = await twins.build(builder, full)
    if ('refused' in built) {
      // A delegation moved a nonce that the maker could not foresee: the other must refuse it too.
      await explain(twins, full, where)
      counts.refusedBlocks++
      continue
    }
    if (!isQuiet && random.chance(0.2)) await bothRefuse(twins, attributes, maker.refused(), where)
    if (random.chance(0.2)) await bothFindInvalid(twins, built.envelope, random, where)
    const status = await twins.accept(built.envelope, builder)
    if (status.status !== 'VALID') {
      await explain(twins, full, where)
      throw new Error(`${where}: ${builder === twins.remote ? 'we' : 'op-geth'} answer ${JSON.stringify(status)}`)
    }
    counts.blocks++
    counts.transactions += deposits.length + signed.length
    const receipts = twins.chain.receiptsByHash(twins.headHash) ?? []
    counts.reverted += receipts.filter(({ receipt }) => receipt.status === 0).length
  }
  return counts
}

function transactionMaker(twins: TwinEngines, random: Random): TransactionMaker {
  const { header } = twins.chain.latest()
  const state = twins.chain.stateAt(twins.headHash)
  if (state === undefined) throw new Error('the head has no state')
  return new TransactionMaker(random, {
    programs: new ProgramMaker(random, targets),
    targets,
    head: {
      chainId: twins.genesis.chainId,
      // The next base fee is at most this much higher.
      baseFee: ((header.baseFeePerGas ?? 0n) * 5n) / 4n + 1n,
      nonce: (address) => state.account(address)?.nonce ?? 0n,
      hasSetCode: isActive(twins.genesis.forkTimes, 'isthmus', header.timestamp + blockTime),
    },
  })
}

/** Attributes of the next block with nothing but the L1 attributes in it; fees of L1 and operator are random. */
function attributesOf(twins: TwinEngines, random: Random): PayloadAttributes {
  const timestamp = twins.headTime + blockTime
  const { forkTimes } = twins.genesis
  const has = (fork: Hardfork) => isActive(forkTimes, fork, timestamp)
  const format = l1InfoFormat({ forkTimes, blockTime }, timestamp)
  const number = (timestamp - genesisTime) / blockTime
  const info = {
    format,
    number,
    timestamp,
    baseFee: random.big(34),
    blockHash: bytesToHex(uintBytes(number, 32)),
    sequenceNumber: 0n,
    batcherAddr: bytesToHex(hexAddress(0xba)),
    overhead: bytesToHex(uintBytes(188, 32)),
    scalar: bytesToHex(uintBytes(random.int(1_000_000), 32)),
    baseFeeScalar: random.int(10_000),
    blobBaseFeeScalar: random.int(2_000_000),
    blobBaseFee: random.big(30),
    operatorFeeScalar: random.pick([0, 1, 5_000, 2_000_000]),
    operatorFeeConstant: random.pick([0n, 77n, 10n ** 12n]),
    daFootprintGasScalar: random.pick([1, 400, 400, 2_000]),
  }
  return {
    timestamp,
    prevRandao: bytesToHex(random.bytes(32)),
    suggestedFeeRecipient: '0x4200000000000000000000000000000000000011',
    ...(has('canyon') ? { withdrawals: [] as const } : {}),
    ...(has('ecotone') ? { parentBeaconBlockRoot: bytesToHex(random.bytes(32)) } : {}),
    transactions: [encodeTransaction(l1InfoDepositOf(info, has('regolith')))],
    noTxPool: true,
    gasLimit,
    ...(has('holocene') ? { eip1559Params: random.pick<Hex>(['0x0000000000000000', '0x000000fa00000006']) } : {}),
    ...(has('jovian') ? { minBaseFee: random.pick([0n, 1_000_000n]) } : {}),
  }
}

/** Throws with the fewest transactions of the block on which the engines still differ, if they do. */
async function explain(twins: TwinEngines, attributes: PayloadAttributes, where: string): Promise<void> {
  let difference = await twins.difference(attributes)
  if (difference === undefined) return
  let kept = attributes.transactions
  for (let i = kept.length - 1; i > 0; i--) {
    const fewer = kept.filter((_, at) => at !== i)
    const still = await twins.difference({ ...attributes, transactions: fewer })
    if (still === undefined) continue
    kept = fewer
    difference = still
  }
  const list = kept.slice(1).map(bytesToHex).join('\n')
  throw new Error(
    `${where}: ${difference}\nafter the L1 attributes ${bytesToHex(kept[0] ?? new Uint8Array(0))}:\n${list}`,
  )
}

async function bothRefuse(
  twins: TwinEngines,
  attributes: PayloadAttributes,
  bad: { readonly raw: Uint8Array; readonly why: string },
  where: string,
): Promise<void> {
  const transactions = [...attributes.transactions, bad.raw]
  for (const engine of [twins.embedded, twins.remote]) {
    const built = await twins.build(engine, { ...attributes, transactions })
    if ('refused' in built) continue
    const who = engine === twins.remote ? 'op-geth' : 'the embedded engine'
    throw new Error(`${where}: ${who} takes a transaction that it must refuse (${bad.why}): ${bytesToHex(bad.raw)}`)
  }
}

/** A block with one field changed and the hash that then fits: neither engine may take it. */
async function bothFindInvalid(twins: TwinEngines, envelope: PayloadEnvelope, random: Random, where: string) {
  const payload = envelope.executionPayload
  const changes: readonly Partial<PayloadEnvelope['executionPayload']>[] = [
    { stateRoot: `0x${'12'.repeat(32)}` },
    { receiptsRoot: `0x${'12'.repeat(32)}` },
    { gasUsed: payload.gasUsed + 1n },
    { baseFeePerGas: payload.baseFeePerGas + 1n },
    { logsBloom: new Uint8Array(256).fill(1) },
    { timestamp: twins.headTime },
    { blockNumber: payload.blockNumber + 1n },
    { extraData: new Uint8Array(33) },
    { transactions: payload.transactions.slice(0, -1) },
    ...(payload.withdrawalsRoot === undefined ? [] : [{ withdrawalsRoot: zeroHash }]),
    // op-geth does not look at this field before Jovian gives it a meaning; we demand 0, as the spec does.
    ...(isActive(twins.genesis.forkTimes, 'jovian', payload.timestamp)
      ? [{ blobGasUsed: (payload.blobGasUsed ?? 0n) + 1n }]
      : []),
    ...(payload.excessBlobGas === undefined ? [] : [{ excessBlobGas: 1n }]),
  ]
  const change = random.pick(changes)
  const changed = { ...envelope, executionPayload: { ...payload, ...change } }
  const blockHash = payloadBlockHash(changed, twins.genesis.forkTimes)
  const invalid = { ...changed, executionPayload: { ...changed.executionPayload, blockHash } }
  for (const engine of [twins.embedded, twins.remote]) {
    const { status } = await engine.newPayload(invalid)
    if (status === 'INVALID') continue
    const who = engine === twins.remote ? 'op-geth' : 'the embedded engine'
    throw new Error(`${where}: ${who} answers ${status} to a block with a wrong ${Object.keys(change)}`)
  }
}
