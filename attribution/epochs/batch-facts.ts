import type { Hex } from '../../protocol/bytes.ts'
import type { Price, Shares } from '../../protocol/fee.ts'
import type { RoyaltyRow } from '../../protocol/royalty-vector.ts'
import type { OpenedReceipt } from './openings.ts'

/** What a batch is checked against on the chain; times are Unix seconds, hex is lower case. Each is fixed before the commit. */
export type BatchFacts = {
  readonly chainId: bigint
  /** ModelRegistry: undefined where there is no such price. */
  price(modelVersion: Hex, proofClass: number, priceVersion: number): Promise<Price | undefined>
  /** RevenueSplitter; asked for versions that prices name. */
  shares(version: number): Promise<Shares>
  /** ModelRegistry: zeros where the model version is unknown. */
  model(modelVersion: Hex): Promise<{ readonly royaltyHash: Hex; readonly indexSetHash: Hex }>
  /** AttributionLedger: whether this is the rule of attribution in force at a time. */
  algoInForce(algoHash: Hex, time: bigint): Promise<boolean>
  /** The vector of that hash, as a model's registration showed it. */
  royaltyRows(royaltyHash: Hex): Promise<readonly RoyaltyRow[]>
  /** ModelRegistry: who is entitled to a model's revenue; the zero address where it is unknown. */
  modelPayee(modelId: bigint, time: bigint): Promise<Hex>
  /** CodeRegistry: the zero address where the code was not registered. */
  codePayee(codeHash: Hex, time: bigint): Promise<Hex>
  /** DatanetRegistry: the zero address where the contribution is unknown. */
  contributionPayee(id: bigint, time: bigint): Promise<Hex>
  /** DatanetRegistry: ids count from 1. */
  datanets(): Promise<bigint>
  /** A live receipt of the worker for this request in a batch before this one. */
  earlierReceipt(worker: Hex, requestId: Hex, batchId: bigint): Promise<OpenedReceipt | undefined>
}
