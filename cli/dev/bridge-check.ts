import { createPublicClient, createWalletClient, defineChain, type Hash, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import {
  getL2TransactionHashes,
  getWithdrawals,
  publicActionsL1,
  publicActionsL2,
  walletActionsL1,
  walletActionsL2,
} from 'viem/op-stack'
import type { Clock } from '../../common/clock.ts'
import { CodedError } from '../../common/errors.ts'
import { predeploys } from '../../contracts/addresses.ts'
import type { Hex } from '../../protocol/bytes.ts'

/** What `dev --once` does on the bridge: one deposit from L1, one message withdrawal proven and finalised there. */
export type BridgeCheckOptions = {
  readonly l1Url: string
  readonly l2Url: string
  readonly l1ChainId: number
  readonly l2ChainId: number
  readonly portal: Hex
  readonly outputOracle: Hex
  /** On L1; viem reads a withdrawal's status through it. */
  readonly multicall3: Hex
  readonly privateKey: Hex
}

export type BridgeCheckResult = {
  readonly depositL2Hash: Hash
  readonly withdrawalHash: Hash
  readonly finalizeL1Hash: Hash
}

export class BridgeError extends CodedError<'deposit-failed' | 'withdrawal-failed' | 'timeout'> {}

/** Time each step may take. */
const stepMsMax = 90_000
const pollMs = 1000
/** Reads the first event topic only; the withdrawal's receiver needs no code. */
const depositGas = 100_000n

export async function checkBridge(
  options: BridgeCheckOptions,
  parts: { readonly clock: Clock; readonly signal: AbortSignal; readonly progress: (step: string) => void },
): Promise<BridgeCheckResult> {
  const clients = createClients(options)
  const depositL2Hash = await deposit(clients, parts)
  const { withdrawalHash, finalizeL1Hash } = await withdraw(clients, parts)
  return { depositL2Hash, withdrawalHash, finalizeL1Hash }
}

type Clients = ReturnType<typeof createClients>
type Parts = Parameters<typeof checkBridge>[1]

function createClients(options: BridgeCheckOptions) {
  const account = privateKeyToAccount(options.privateKey)
  const nativeCurrency = { name: 'Ether', symbol: 'ETH', decimals: 18 }
  const l1 = defineChain({
    id: options.l1ChainId,
    name: 'dev L1',
    nativeCurrency,
    rpcUrls: { default: { http: [options.l1Url] } },
    contracts: { multicall3: { address: options.multicall3 } },
  })
  const l2 = defineChain({
    id: options.l2ChainId,
    name: 'dev L2',
    nativeCurrency: { name: 'OPEN', symbol: 'OPEN', decimals: 18 },
    rpcUrls: { default: { http: [options.l2Url] } },
    contracts: {
      portal: { [options.l1ChainId]: { address: options.portal } },
      l2OutputOracle: { [options.l1ChainId]: { address: options.outputOracle } },
    },
    sourceId: options.l1ChainId,
  })
  const transport = (url: string) => http(url)
  return {
    account,
    l2Chain: l2,
    l1Public: createPublicClient({ chain: l1, transport: transport(options.l1Url), pollingInterval: pollMs }).extend(
      publicActionsL1(),
    ),
    l2Public: createPublicClient({ chain: l2, transport: transport(options.l2Url), pollingInterval: pollMs }).extend(
      publicActionsL2(),
    ),
    l1Wallet: createWalletClient({ account, chain: l1, transport: transport(options.l1Url) }).extend(walletActionsL1()),
    l2Wallet: createWalletClient({ account, chain: l2, transport: transport(options.l2Url) }).extend(walletActionsL2()),
  }
}

/** The custom gas token leaves no value on the portal: the deposit is a call. */
async function deposit(clients: Clients, { progress }: Parts): Promise<Hash> {
  progress('deposit: sending it to the portal')
  const hash = await clients.l1Wallet.depositTransaction({
    request: { to: clients.account.address, data: '0x6f6c', gas: depositGas, value: 0n },
    targetChain: clients.l2Chain,
    gas: 500_000n,
  })
  const receipt = await clients.l1Public.waitForTransactionReceipt({ hash, timeout: stepMsMax })
  const [l2Hash] = getL2TransactionHashes(receipt)
  if (receipt.status !== 'success' || l2Hash === undefined)
    throw new BridgeError('deposit-failed', `the deposit ${hash} reverted on L1`)
  progress('deposit: waiting for it on L2')
  const l2Receipt = await clients.l2Public.waitForTransactionReceipt({ hash: l2Hash, timeout: stepMsMax })
  if (l2Receipt.status !== 'success') throw new BridgeError('deposit-failed', `the deposit ${l2Hash} failed on L2`)
  return l2Hash
}

async function withdraw(clients: Clients, parts: Parts) {
  const { progress } = parts
  progress('withdrawal: starting it on L2')
  const hash = await clients.l2Wallet.initiateWithdrawal({
    request: { to: clients.account.address, data: '0x6f6c', gas: depositGas, value: 0n },
  })
  const receipt = await clients.l2Public.waitForTransactionReceipt({ hash, timeout: stepMsMax })
  const [withdrawal] = getWithdrawals(receipt)
  if (receipt.status !== 'success' || withdrawal === undefined) {
    throw new BridgeError(
      'withdrawal-failed',
      `the withdrawal ${hash} failed on L2 (passer ${predeploys.l2ToL1MessagePasser})`,
    )
  }
  progress('withdrawal: waiting for an output root that covers it')
  await status(clients, receipt, 'ready-to-prove', parts)
  const output = await clients.l1Public.getL2Output({
    l2BlockNumber: receipt.blockNumber,
    targetChain: clients.l2Chain,
  })
  const proof = await clients.l2Public.buildProveWithdrawal({ output, withdrawal })
  const proveHash = await clients.l1Wallet.proveWithdrawal({
    ...proof,
    account: clients.account,
    gas: 2_000_000n,
    targetChain: clients.l2Chain,
  })
  const proven = await succeeded(clients, proveHash, 'proving')
  progress('withdrawal: proven, waiting for the finalisation window')
  await windowOver(clients, { withdrawalHash: withdrawal.withdrawalHash, provenInBlock: proven.blockNumber }, parts)
  await status(clients, receipt, 'ready-to-finalize', parts)
  const finalizeL1Hash = await clients.l1Wallet.finalizeWithdrawal({
    withdrawal,
    targetChain: clients.l2Chain,
    gas: 1_000_000n,
  })
  await succeeded(clients, finalizeL1Hash, 'finalising')
  await status(clients, receipt, 'finalized', parts)
  progress('withdrawal: finalised on L1')
  return { withdrawalHash: withdrawal.withdrawalHash, finalizeL1Hash }
}

async function succeeded(clients: Clients, hash: Hash, what: string) {
  const receipt = await clients.l1Public.waitForTransactionReceipt({ hash, timeout: stepMsMax })
  if (receipt.status !== 'success')
    throw new BridgeError('withdrawal-failed', `${what} the withdrawal reverted on L1 in ${hash}`)
  return receipt
}

/**
 * Waits for an L1 head beyond the window. viem's status goes by this machine's clock, the portal by the time of the
 * block that the transaction falls in, which may lag behind it.
 */
async function windowOver(
  clients: Clients,
  { withdrawalHash, provenInBlock }: { readonly withdrawalHash: Hash; readonly provenInBlock: bigint },
  parts: Parts,
): Promise<void> {
  const { period } = await clients.l1Public.getTimeToFinalize({ withdrawalHash, targetChain: clients.l2Chain })
  const { timestamp: provenAt } = await clients.l1Public.getBlock({ blockNumber: provenInBlock })
  const over = provenAt + BigInt(period)
  await until(parts, stepMsMax + period * 1000, async () => {
    const { timestamp } = await clients.l1Public.getBlock({ blockTag: 'latest' })
    return timestamp > over ? undefined : `L1 stands at time ${timestamp}, the window ends at ${over}`
  })
}

type WithdrawalStatus = Awaited<ReturnType<Clients['l1Public']['getWithdrawalStatus']>>

async function status(
  clients: Clients,
  receipt: Awaited<ReturnType<Clients['l2Public']['waitForTransactionReceipt']>>,
  wanted: WithdrawalStatus,
  parts: Parts,
): Promise<void> {
  await until(parts, stepMsMax, async () => {
    const now = await clients.l1Public.getWithdrawalStatus({ receipt, targetChain: clients.l2Chain })
    return now === wanted ? undefined : `the withdrawal is ${now}, not ${wanted}`
  })
}

/** Asks until `lacking` has nothing to say. Throws {@link BridgeError} `timeout` with its last words. */
async function until(
  { clock, signal }: Parts,
  msMax: number,
  lacking: () => Promise<string | undefined>,
): Promise<void> {
  const deadline = clock.nowMs() + msMax
  for (;;) {
    const words = await lacking()
    if (words === undefined) return
    if (signal.aborted || clock.nowMs() > deadline) throw new BridgeError('timeout', words)
    await clock.sleep(pollMs, signal)
  }
}
