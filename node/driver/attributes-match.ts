import type { L2BlockRef } from '../../protocol/block-ref.ts'
import { bytesToHex, hexToBytes } from '../../protocol/bytes.ts'
import type { PayloadAttributes, PayloadEnvelope } from '../../protocol/engine-api.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'

/**
 * Why the engine's block is not the one that L1 says comes after `parent`, or undefined where it is.
 * Spec: protocol/derivation.md, "L1-Consolidation: Payload Attributes Matching"; Holocene's extraData: protocol/holocene/exec-engine.md.
 */
export function attributesMismatch(
  config: RollupConfig,
  attributes: PayloadAttributes,
  parent: L2BlockRef,
  envelope: PayloadEnvelope,
): string | undefined {
  const block = envelope.executionPayload
  if (block.parentHash !== parent.hash) return 'parent hash'
  if (block.timestamp !== attributes.timestamp) return 'timestamp'
  if (block.prevRandao !== attributes.prevRandao) return 'prevRandao'
  if (block.feeRecipient !== attributes.suggestedFeeRecipient) return 'fee recipient'
  if (block.gasLimit !== attributes.gasLimit) return 'gas limit'
  if (envelope.parentBeaconBlockRoot !== attributes.parentBeaconBlockRoot) return 'parent beacon block root'
  if ((block.withdrawals === undefined) !== (attributes.withdrawals === undefined)) return 'withdrawals'
  return transactionsMismatch(attributes, block.transactions) ?? feeParamsMismatch(config, attributes, block.extraData)
}

function transactionsMismatch(attributes: PayloadAttributes, block: readonly Uint8Array[]): string | undefined {
  const derived = attributes.transactions
  if (derived.length !== block.length) return `transaction count: derived ${derived.length}, have ${block.length}`
  const differing = derived.findIndex((tx, i) => Buffer.compare(tx, block[i] as Uint8Array) !== 0)
  return differing < 0 ? undefined : `transaction ${differing}`
}

/** Zero parameters in the attributes stand for the chain's Canyon constants, which the engine writes into extraData. */
function feeParamsMismatch(
  { feeConstants }: RollupConfig,
  { eip1559Params, minBaseFee }: PayloadAttributes,
  extraData: Uint8Array,
): string | undefined {
  if (eip1559Params === undefined) return undefined
  const given = Buffer.from(hexToBytes(eip1559Params))
  const params = given.every((byte) => byte === 0)
    ? u32s(feeConstants.eip1559DenominatorCanyon, feeConstants.eip1559Elasticity)
    : given
  const expected =
    minBaseFee === undefined
      ? Buffer.concat([Buffer.of(0), params])
      : Buffer.concat([Buffer.of(1), params, u64(minBaseFee)])
  if (expected.equals(extraData)) return undefined
  return `extraData: derived ${bytesToHex(expected)}, have ${bytesToHex(extraData)}`
}

function u32s(...values: readonly bigint[]): Buffer {
  const out = Buffer.alloc(4 * values.length)
  values.forEach((value, i) => {
    out.writeUInt32BE(Number(value), 4 * i)
  })
  return out
}

function u64(value: bigint): Buffer {
  const out = Buffer.alloc(8)
  out.writeBigUInt64BE(value)
  return out
}
