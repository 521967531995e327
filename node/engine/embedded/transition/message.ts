import type { EVMError, ExecResult } from '@ethereumjs/evm'
import { Account, Address } from '@ethereumjs/util'
import { bytesToHex, hexToBytes } from '../../../../protocol/bytes.ts'
import type { Log } from '../../../../protocol/receipt.ts'
import type { AccessListEntry } from '../../../../protocol/transaction.ts'
import type { BlockEnv } from './block-env.ts'

/** The call or creation inside of a transaction, paid for and checked. */
export type Message = {
  readonly from: Uint8Array
  readonly to?: Uint8Array | undefined
  readonly value: bigint
  readonly data: Uint8Array
  /** Without the intrinsic gas. */
  readonly gas: bigint
  readonly gasPrice: bigint
  readonly accessList: readonly AccessListEntry[]
  /** Further addresses that begin warm (authorities of EIP-7702). */
  readonly warm: readonly Uint8Array[]
}

export type MessageOutcome = {
  readonly status: 0 | 1
  readonly gasUsed: bigint
  /** Not yet capped (EIP-3529). */
  readonly refund: bigint
  readonly output: Uint8Array
  readonly logs: readonly Log[]
  readonly error?: EVMError['error'] | undefined
  readonly created?: Uint8Array | undefined
  /** Contracts to delete when the transaction ends. */
  readonly destructed: readonly Uint8Array[]
}

/**
 * Runs a message whose sender's nonce is already raised. Undone changes of a failed message are its own only. Call
 * {@link settle} when the fees are paid.
 */
export async function runMessage(env: BlockEnv, message: Message): Promise<MessageOutcome> {
  warmUp(env, message)
  const result = await env.evm.runCall({
    block: blockOf(env),
    gasPrice: message.gasPrice,
    caller: new Address(message.from),
    ...(message.to === undefined ? {} : { to: new Address(message.to) }),
    value: message.value,
    data: message.data,
    gasLimit: message.gas,
    skipNonceIncrement: true,
  })
  const { execResult, createdAddress } = result
  return {
    status: execResult.exceptionError === undefined ? 1 : 0,
    gasUsed: execResult.executionGasUsed,
    refund: execResult.gasRefund ?? 0n,
    output: execResult.returnValue,
    logs: (execResult.logs ?? []).map(([address, topics, data]) => ({ address, topics, data })),
    error: execResult.exceptionError?.error,
    created: message.to === undefined ? createdAddress?.bytes : undefined,
    destructed: destructed(env, execResult),
  }
}

/** Opens the journal of a transaction; what follows can be undone until {@link settle}. */
export async function begin(env: BlockEnv): Promise<void> {
  env.activate()
  env.state.beginTransaction()
  env.evm.journal.cleanJournal()
  await env.evm.journal.checkpoint()
}

/** Closes it: destructed contracts and touched accounts that are empty (EIP-161) go, the rest stays. */
export async function settle(env: BlockEnv, destructed: readonly Uint8Array[]): Promise<void> {
  for (const address of destructed) env.state.setAccount(address, undefined)
  await env.evm.journal.cleanup()
  env.state.commit()
}

/** Closes it and leaves no trace. */
export function abandon(env: BlockEnv): void {
  env.evm.journal.cleanJournal()
  env.state.revert()
}

/** Credits an account in a way that {@link settle} sees. */
export async function credit(env: BlockEnv, address: Uint8Array, amount: bigint): Promise<void> {
  const account = (await env.evm.stateManager.getAccount(new Address(address))) ?? new Account()
  account.balance += amount
  await env.evm.journal.putAccount(new Address(address), account)
}

/** Sources: EIP-2929, 3651 (coinbase, from Canyon). */
function warmUp(env: BlockEnv, message: Message): void {
  const { journal, precompiles } = env.evm
  for (const address of precompiles.keys()) journal.addAlwaysWarmAddress(address)
  journal.addAlwaysWarmAddress(bytesToHex(message.from))
  if (message.to !== undefined) journal.addAlwaysWarmAddress(bytesToHex(message.to))
  if (env.rules.canyon) journal.addAlwaysWarmAddress(bytesToHex(env.coinbase))
  for (const address of message.warm) journal.addAlwaysWarmAddress(bytesToHex(address))
  for (const entry of message.accessList) {
    const address = bytesToHex(entry.address)
    journal.addAlwaysWarmAddress(address)
    for (const key of entry.storageKeys) journal.addAlwaysWarmSlot(address, bytesToHex(key))
  }
}

/** Before Ecotone every destructed contract goes; from then on only one made in the same transaction (EIP-6780). */
function destructed(env: BlockEnv, result: ExecResult): Uint8Array[] {
  return [...(result.selfdestruct?.keys() ?? [])]
    .filter((address) => !env.rules.ecotone || result.createdAddresses?.has(address) === true)
    .map((address) => hexToBytes(address))
}

function blockOf(env: BlockEnv) {
  return {
    header: {
      number: env.number,
      coinbase: new Address(env.coinbase),
      timestamp: env.timestamp,
      difficulty: 0n,
      prevRandao: env.prevRandao,
      gasLimit: env.gasLimit,
      baseFeePerGas: env.baseFee,
      // No blobs on the L2: the blob base fee is its least. Spec: protocol/ecotone/l1-attributes.md.
      getBlobGasPrice: () => 1n,
    },
  }
}
