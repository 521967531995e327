import type { EmbeddedChain } from '../../node/engine/embedded/chain/chain.ts'
import type { EmbeddedEngine } from '../../node/engine/embedded/engine.ts'
import { concatBytes, type Hex, hexToBytes, uintBytes, zeroHash } from '../../protocol/bytes.ts'
import type { PayloadEnvelope } from '../../protocol/engine-api.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { encodeTransaction } from '../../protocol/transaction.ts'

const heads = (hash: Hex) => ({ headBlockHash: hash, safeBlockHash: hash, finalizedBlockHash: hash })

/** The next block of a chain, as the sequencer builds it. */
export async function buildBlock(
  { chain, engine }: { readonly chain: EmbeddedChain; readonly engine: EmbeddedEngine },
  transactions: readonly Uint8Array[],
  gasLimit: bigint,
): Promise<PayloadEnvelope> {
  const parent = chain.latest()
  const { payloadId } = await engine.forkchoiceUpdated(heads(parent.hash), {
    timestamp: parent.header.timestamp + 2n,
    prevRandao: zeroHash,
    suggestedFeeRecipient: '0x4200000000000000000000000000000000000011',
    withdrawals: [],
    parentBeaconBlockRoot: zeroHash,
    transactions: [attributesDeposit(parent.header.number + 1n), ...transactions],
    noTxPool: true,
    gasLimit,
    eip1559Params: '0x000000fa00000006',
    minBaseFee: 0n,
  })
  if (payloadId === undefined) throw new Error('no payload begun')
  return await engine.getPayload(payloadId)
}

/** Executes and stores a block and makes it the head. */
export async function importBlock(engine: EmbeddedEngine, envelope: PayloadEnvelope): Promise<void> {
  const status = await engine.newPayload(envelope)
  if (status.status !== 'VALID') throw new Error(`block is ${status.status}: ${status.validationError}`)
  await engine.forkchoiceUpdated(heads(envelope.executionPayload.blockHash))
}

/** The L1 attributes of a block, Jovian layout, with every fee in use. Spec: protocol/jovian/l1-attributes.md. */
function attributesDeposit(number: bigint): Uint8Array {
  const data = concatBytes(
    keccak256(Buffer.from('setL1BlockValuesJovian()')).subarray(0, 4),
    uintBytes(1_368, 4),
    uintBytes(801_949, 4),
    uintBytes(number, 8),
    uintBytes(1_000n + 12n * number, 8),
    uintBytes(number, 8),
    uintBytes(1_000_000_000n, 32),
    uintBytes(1_000n, 32),
    new Uint8Array(64),
    uintBytes(100, 4),
    uintBytes(1_000n, 8),
    uintBytes(400, 2),
  )
  return encodeTransaction({
    type: 0x7e,
    sourceHash: keccak256(uintBytes(number, 32)),
    from: hexToBytes('0xdeaddeaddeaddeaddeaddeaddeaddeaddead0001'),
    to: hexToBytes('0x4200000000000000000000000000000000000015'),
    mint: 0n,
    value: 0n,
    gasLimit: 1_000_000n,
    isSystemTx: false,
    data,
  })
}
