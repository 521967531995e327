import { RpcError, rpcCodes } from '../../../../common/json-rpc.ts'
import type { Hex } from '../../../../protocol/bytes.ts'
import { emptyBytes } from '../../../../protocol/bytes.ts'
import { encodeTransaction, type SetCodeTx } from '../../../../protocol/transaction.ts'
import type { CallMessage, CallOptions, CallResult, ChainView, StoredHeader } from '../chain-view.ts'
import { CallError } from '../errors.ts'
import { executed, failedCallError } from './call-error.ts'

/** The answer may exceed the least sufficient gas by this fraction, in thousandths; geth's. */
const toleranceThousandths = 15n
/** Gas of a plain transfer. */
const transferGas = 21_000n
/** Gas a call with value lends to its callee; part of geth's first guess. */
const callStipend = 2_300n

export type EstimateInput = {
  readonly at: Hex | 'pending'
  readonly block: StoredHeader
  readonly message: CallMessage
  readonly options: CallOptions
  readonly gasMax: bigint
}

/** The least gas with which the message succeeds, by bisection; geth's algorithm plus the data fee in the balance. */
export async function estimateGas(
  chain: Pick<ChainView, 'call' | 'stateAt' | 'dataFees'>,
  input: EstimateInput,
): Promise<bigint> {
  const { message } = input
  const run = (gas: bigint) => executed(sufficient(chain.call(input.at, { ...message, gas }, input.options)))
  let high = min(message.gas !== undefined && message.gas >= transferGas ? message.gas : blockGas(input), input.gasMax)
  high = min(high, affordableGas(chain, input))
  if (isTransfer(chain, input) && high >= transferGas && (await run(transferGas)).status === 1) return transferGas
  const first = await run(high)
  if (first.status === 0) throw failure(first, high)

  let low = first.gasUsed - 1n
  // Calls keep a 64th of the gas, so the gas used is often a little short of what the top level needs.
  const guess = ((first.gasUsed + callStipend) * 64n) / 63n
  if (guess < high) {
    if ((await run(guess)).status === 1) high = guess
    else low = guess
  }
  while (low + 1n < high) {
    if ((high - low) * 1000n < high * toleranceThousandths) break
    // Most executions need little more than they use: search the lower part first.
    const middle = min((high + low) / 2n, low > 0n ? low * 2n : high)
    if ((await run(middle)).status === 1) high = middle
    else low = middle
  }
  return high
}

function blockGas({ options, block }: EstimateInput): bigint {
  return options.blockOverrides?.gasLimit ?? block.header.gasLimit
}

/** Gas the sender can buy at the message's price after value and data fee; without a price there is no bound. */
function affordableGas(
  chain: Pick<ChainView, 'stateAt' | 'dataFees'>,
  { message, block, options, gasMax }: EstimateInput,
) {
  const { gasPrice = 0n, value = 0n, from } = message
  if (gasPrice === 0n || from === undefined) return gasMax
  const key: Hex = `0x${Buffer.from(from).toString('hex')}`
  const balance = options.stateOverrides?.get(key)?.balance ?? chain.stateAt(block.hash)?.account(from)?.balance ?? 0n
  if (value > balance) throw new RpcError(rpcCodes.server, 'insufficient funds for transfer')
  const dataFee = chain.dataFees(block.hash).l1Cost(standIn(message))
  if (value + dataFee > balance) {
    throw new RpcError(rpcCodes.server, `insufficient funds for transfer: the L1 data fee is ${dataFee}`)
  }
  return (balance - value - dataFee) / gasPrice
}

/** A signed transaction as long as the real one would be: its incompressible signature stands in for the real one. */
function standIn(message: CallMessage): Uint8Array {
  const word = (0xf1e2d3c4b5a69788796a5b4c3d2e1f0fn << 128n) | 0x0f1e2d3c4b5a69788796a5b4c3d2e1f0n
  const tx: SetCodeTx = {
    type: 4,
    chainId: 2n ** 32n - 1n,
    nonce: 2n ** 16n,
    maxPriorityFeePerGas: message.gasPrice ?? 0n,
    maxFeePerGas: message.gasPrice ?? 0n,
    gasLimit: 2n ** 24n,
    to: message.to,
    value: message.value ?? 0n,
    data: message.data ?? emptyBytes,
    accessList: message.accessList ?? [],
    authorizationList: message.authorizationList ?? [],
    yParity: 1,
    r: word,
    s: word >> 1n,
  }
  return encodeTransaction(tx)
}

function isTransfer(chain: Pick<ChainView, 'stateAt'>, { message, block, options }: EstimateInput): boolean {
  const { to, data, accessList, authorizationList } = message
  if (to === undefined || (data ?? emptyBytes).length > 0) return false
  if (options.stateOverrides !== undefined || accessList !== undefined || authorizationList !== undefined) return false
  return chain.stateAt(block.hash)?.code(to).length === 0
}

/** Too little gas to begin with is a failed execution like running out of it. */
async function sufficient(running: Promise<CallResult>): Promise<CallResult> {
  try {
    return await running
  } catch (error) {
    if (!(error instanceof CallError) || error.code !== 'too-little-gas') throw error
    return { status: 0, output: emptyBytes, gasUsed: 0n, logs: [], touched: [], error: 'out of gas' }
  }
}

function failure(result: CallResult, allowance: bigint): RpcError {
  if (result.error?.startsWith('out of gas') === true) {
    return new RpcError(rpcCodes.server, `gas required exceeds allowance (${allowance})`)
  }
  return failedCallError(result)
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
