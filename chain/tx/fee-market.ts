import { RpcError } from '../../common/json-rpc.ts'
import { FormatError, parseQuantity } from '../../protocol/bytes.ts'

/** What L1 charges now, in wei. */
export type MarketFees = { readonly tip: bigint; readonly baseFee: bigint; readonly blobBaseFee: bigint }

const gwei = 1_000_000_000n

/** Lower bounds, op-node's: a transaction below them may hang when the fee rises from almost nothing. */
export const marketFloors: MarketFees = { tip: gwei, baseFee: gwei, blobBaseFee: gwei }

export type FeeRpc = { readonly request: (method: string, params?: readonly unknown[]) => Promise<unknown> }

/** Reads what L1 charges, never below `floors`. */
export async function readMarketFees(rpc: FeeRpc, floors: MarketFees = marketFloors): Promise<MarketFees> {
  const [tip, block, blobBaseFee] = await Promise.all([
    quantityOr(rpc, 'eth_maxPriorityFeePerGas', floors.tip),
    rpc.request('eth_getBlockByNumber', ['latest', false]),
    quantityOr(rpc, 'eth_blobBaseFee', floors.blobBaseFee),
  ])
  if (typeof block !== 'object' || block === null) throw new FormatError('L1 has no latest block')
  const baseFee = Reflect.get(block, 'baseFeePerGas')
  return {
    tip: max(tip, floors.tip),
    baseFee: max(baseFee === undefined ? 0n : parseQuantity(baseFee, 'base fee'), floors.baseFee),
    blobBaseFee: max(blobBaseFee, floors.blobBaseFee),
  }
}

/** L1s before Cancun lack eth_blobBaseFee, some lack eth_maxPriorityFeePerGas. */
async function quantityOr(rpc: FeeRpc, method: string, fallback: bigint): Promise<bigint> {
  try {
    return parseQuantity(await rpc.request(method, []), method)
  } catch (error) {
    if (error instanceof RpcError || error instanceof FormatError) return fallback
    throw error
  }
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
