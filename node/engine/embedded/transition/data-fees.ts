import { bytesToBigint, uintBytes } from '../../../../protocol/bytes.ts'
import type { ForkTimes } from '../../../../protocol/hardforks.ts'
import {
  type DataShape,
  daFootprint,
  daFootprintUnits,
  dataShape,
  type L1FeeEra,
  type L1FeeParams,
  l1Cost,
  l1FeeEra,
  l1FeeParams,
  operatorFee,
} from '../../../../protocol/l1-fee.ts'
import type { DataFees, L1FeeFields } from '../chain-view.ts'
import { l1Block } from './addresses.ts'
import { type Rules, rulesAt } from './rules.ts'

/** Reads a slot of L1Block, trimmed of leading zeros. */
type SlotReader = (slot: Uint8Array) => Uint8Array

/** The fees beyond gas in one block: fixed once its first transaction has set L1Block. */
export class BlockDataFees implements DataFees {
  readonly #params: L1FeeParams
  readonly #era: L1FeeEra
  readonly #rules: Rules
  // A transaction is asked about twice, for its cost and for its receipt.
  #last: { raw: Uint8Array; shape: DataShape } | undefined

  constructor(times: ForkTimes, timestamp: bigint, storage: (address: Uint8Array, slot: Uint8Array) => Uint8Array) {
    this.#rules = rulesAt(times, timestamp)
    const read = (slot: Uint8Array) => storage(l1Block, slot)
    const params = readParams(read, this.#rules, !this.#rules.ecotone)
    this.#era = l1FeeEra(times, timestamp, params)
    const needsBedrock = this.#rules.ecotone && (this.#era === 'bedrock' || this.#era === 'regolith')
    this.#params = needsBedrock ? readParams(read, this.#rules, true) : params
  }

  l1Cost(raw: Uint8Array): bigint {
    return l1Cost(this.#params, this.#era, this.#shape(raw)).fee
  }

  operatorFee(gas: bigint): bigint {
    return this.#rules.isthmus ? operatorFee(this.#params, this.#rules.jovian, gas) : 0n
  }

  /** DA footprint of a transaction in gas; 0 before Jovian. */
  footprint(raw: Uint8Array): bigint {
    return this.#rules.jovian ? daFootprint(this.#shape(raw).fastLzLength ?? 0, this.#params.daFootprintGasScalar) : 0n
  }

  /** Estimated compressed bytes, from Fjord; before it the bytes themselves. */
  estimatedBytes(raw: Uint8Array): bigint {
    const { fastLzLength } = this.#shape(raw)
    return fastLzLength === undefined ? BigInt(raw.length) : daFootprintUnits(fastLzLength)
  }

  /** The fee fields of a receipt. Source: op-geth `Receipts.DeriveFields`. */
  receiptFields(raw: Uint8Array): L1FeeFields {
    const params = this.#params
    const cost = l1Cost(params, this.#era, this.#shape(raw))
    const isBedrock = this.#era === 'bedrock' || this.#era === 'regolith'
    const hasOperatorFee = params.operatorFeeScalar !== 0n || params.operatorFeeConstant !== 0n
    return {
      l1GasPrice: params.l1BaseFee,
      l1GasUsed: cost.gasUsed,
      l1Fee: cost.fee,
      ...(isBedrock
        ? { l1FeeScalar: params.scalar }
        : {
            l1BaseFeeScalar: params.baseFeeScalar,
            l1BlobBaseFee: params.blobBaseFee,
            l1BlobBaseFeeScalar: params.blobBaseFeeScalar,
          }),
      ...(this.#rules.isthmus && hasOperatorFee
        ? { operatorFeeScalar: params.operatorFeeScalar, operatorFeeConstant: params.operatorFeeConstant }
        : {}),
      ...(this.#rules.jovian
        ? { daFootprintGasScalar: params.daFootprintGasScalar, blobGasUsed: this.footprint(raw) }
        : {}),
    }
  }

  #shape(raw: Uint8Array): DataShape {
    if (this.#last?.raw !== raw) this.#last = { raw, shape: dataShape(raw, this.#rules.fjord) }
    return this.#last.shape
  }
}

/** Reads no slot that its fork does not use: a stateless witness lacks the others. */
function readParams(read: SlotReader, rules: Rules, bedrock: boolean): L1FeeParams {
  return l1FeeParams((index) => {
    const isUsed =
      index === 1 ||
      ((index === 5 || index === 6) && bedrock) ||
      ((index === 3 || index === 7) && rules.ecotone) ||
      (index === 8 && rules.isthmus)
    return isUsed ? bytesToBigint(read(uintBytes(index, 32))) : 0n
  })
}
