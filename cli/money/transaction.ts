import { CodedError } from '../../common/errors.ts'
import { RpcError, rpcCodes } from '../../common/json-rpc.ts'
import { bytesToHex, type Hex, hexToBytes, parseQuantity, quantity } from '../../protocol/bytes.ts'
import { encodeTransaction, type FeeMarketTx, signTransaction, transactionHash } from '../../protocol/transaction.ts'
import { type Call, type Chain, refused } from './chain.ts'
import { decodeLog, gasPriceOracle, type Spoken } from './contracts.ts'
import { Amount } from './values.ts'

/** What a transaction will cost at most as things stand; wei. */
export type Estimate = {
  readonly gas: bigint
  readonly gasPrice: bigint
  readonly l2Fee: bigint
  readonly l1Fee: bigint
  readonly operatorFee: bigint
  readonly total: bigint
}

export type Receipt = {
  readonly hash: Hex
  readonly block: bigint
  readonly gasUsed: bigint
  /** wei, data and operator fees included. */
  readonly fee: bigint
  readonly events: readonly Spoken[]
}

/** `lost`: it was sent and not mined in time; it may still be. `unpayable`: the account cannot pay for it. */
export class TransactionError extends CodedError<'lost' | 'unpayable'> {}

/** Gas above the estimate: what others do before it in its block moves storage and so gas. */
const gasMarginPercent = 20n
/** And three words of storage: a call may have more to write in the second in which it is mined than in that of its estimate. */
const gasMargin = 66_300n
const receiptPollMs = 250
/** Time for a transaction to be mined; a block comes every 2 s. */
const receiptMsMax = 120_000

/** Events that the call would leave; undefined where the node cannot simulate. Throws RefusedError, {@link TransactionError}. */
export async function simulate(chain: Chain, call: Call, contract: string): Promise<readonly Spoken[] | undefined> {
  const balance = await balanceOf(chain, call.from)
  if (balance < call.value) throw unpayable(call, balance, 0n)
  await chain.call(callJson(call), contract)
  const blocks = [{ calls: [callJson(call)] }]
  try {
    const answer = await chain.request('eth_simulateV1', [{ blockStateCalls: blocks, validation: false }, 'latest'])
    const [block] = answer as { calls: { logs: RpcLog[] }[] }[]
    return spokenOf(block?.calls[0]?.logs ?? [])
  } catch (error) {
    if (error instanceof RpcError && error.code === rpcCodes.methodNotFound) return undefined
    throw error
  }
}

/** Throws RefusedError, and {@link TransactionError} `unpayable`. */
export async function estimate(chain: Chain, call: Call, contract: string): Promise<Estimate> {
  const gas = await estimatedGas(chain, call, contract)
  const price = await gasPrices(chain)
  const raw = encodeTransaction(unsigned(chain, call, { gas, nonce: 0n, price }))
  const l1Fee = await oracle(chain, 'getL1Fee', bytesToHex(raw))
  const operatorFee = await oracle(chain, 'getOperatorFee', gas)
  const gasPrice = price.base + price.tip
  const l2Fee = gas * gasPrice
  const total = l2Fee + l1Fee + operatorFee
  const balance = await balanceOf(chain, call.from)
  if (balance < total + call.value) throw unpayable(call, balance, total)
  return { gas, gasPrice, l2Fee, l1Fee, operatorFee, total }
}

/** Signs and sends; resolves once it is mined. Throws RefusedError where it reverted, {@link TransactionError}. */
export async function send(chain: Chain, call: Call, contract: string, gas: bigint): Promise<Receipt> {
  const nonce = parseQuantity(await chain.request('eth_getTransactionCount', [call.from, 'pending']))
  const price = await gasPrices(chain)
  const limit = (gas * (100n + gasMarginPercent)) / 100n + gasMargin
  const raw = encodeTransaction(signTransaction(unsigned(chain, call, { gas: limit, nonce, price }), chain.key()))
  const hash = bytesToHex(transactionHash(raw))
  await chain.request('eth_sendRawTransaction', [bytesToHex(raw)])
  chain.note(`sent ${hash}`)
  const receipt = await minedReceipt(chain, hash)
  if (receipt.status !== '0x1') {
    const before = quantity(parseQuantity(receipt.blockNumber) - 1n)
    await chain.call(callJson(call), contract, before)
    throw new TransactionError('lost', `transaction ${hash} was mined and reverted: another one came before it`)
  }
  const gasUsed = parseQuantity(receipt.gasUsed)
  const l1Fee = receipt.l1Fee === undefined ? 0n : parseQuantity(receipt.l1Fee)
  return {
    hash,
    block: parseQuantity(receipt.blockNumber),
    gasUsed,
    fee: gasUsed * parseQuantity(receipt.effectiveGasPrice) + l1Fee + (await oracle(chain, 'getOperatorFee', gasUsed)),
    events: spokenOf(receipt.logs),
  }
}

type RpcLog = { readonly address: Hex; readonly topics: readonly Hex[]; readonly data: Hex }
type RpcReceipt = {
  readonly status: string
  readonly blockNumber: string
  readonly gasUsed: string
  readonly effectiveGasPrice: string
  readonly l1Fee?: string
  readonly logs: readonly RpcLog[]
}

async function minedReceipt(chain: Chain, hash: Hex): Promise<RpcReceipt> {
  const deadline = Date.now() + receiptMsMax
  for (;;) {
    const receipt = (await chain.request('eth_getTransactionReceipt', [hash])) as RpcReceipt | null
    if (receipt !== null) return receipt
    if (Date.now() > deadline || chain.signal.aborted) {
      throw new TransactionError(
        'lost',
        `transaction ${hash} was sent and is not mined yet; look for it before sending again`,
      )
    }
    await new Promise((wake) => setTimeout(wake, receiptPollMs))
  }
}

async function balanceOf(chain: Chain, address: Hex): Promise<bigint> {
  return parseQuantity(await chain.request('eth_getBalance', [address, 'latest']))
}

async function oracle(chain: Chain, functionName: string, arg: unknown): Promise<bigint> {
  return gasPriceOracle.answer(
    functionName,
    (await chain.request('eth_call', [gasPriceOracle.call(functionName, arg), 'latest'])) as Hex,
  )
}

async function estimatedGas(chain: Chain, call: Call, contract: string): Promise<bigint> {
  try {
    return parseQuantity(await chain.request('eth_estimateGas', [callJson(call)]))
  } catch (error) {
    throw refused(error, contract)
  }
}

async function gasPrices(chain: Chain): Promise<{ readonly base: bigint; readonly tip: bigint }> {
  const block = (await chain.request('eth_getBlockByNumber', ['latest', false])) as { baseFeePerGas: string }
  return {
    base: parseQuantity(block.baseFeePerGas),
    tip: parseQuantity(await chain.request('eth_maxPriorityFeePerGas')),
  }
}

function unsigned(
  chain: Chain,
  call: Call,
  terms: {
    readonly gas: bigint
    readonly nonce: bigint
    readonly price: { readonly base: bigint; readonly tip: bigint }
  },
): FeeMarketTx {
  return {
    type: 2,
    chainId: chain.chainId,
    nonce: terms.nonce,
    maxPriorityFeePerGas: terms.price.tip,
    // Six full blocks: the base fee grows by an eighth a block at most.
    maxFeePerGas: 2n * terms.price.base + terms.price.tip,
    gasLimit: terms.gas,
    to: hexToBytes(call.to),
    value: call.value,
    data: hexToBytes(call.data),
    accessList: [],
    yParity: 0,
    r: 0n,
    s: 0n,
  }
}

function spokenOf(logs: readonly RpcLog[]): Spoken[] {
  return logs.flatMap((log) => decodeLog(log) ?? [])
}

function callJson({ from, to, data, value }: Call): Record<string, unknown> {
  return { from, to, data, value: quantity(value) }
}

function unpayable({ from, value }: Call, balance: bigint, fees: bigint): TransactionError {
  const needed = `${new Amount(value)} and about ${new Amount(fees)} of fees`
  return new TransactionError('unpayable', `${from} has ${new Amount(balance)}; the call needs ${needed}`)
}
