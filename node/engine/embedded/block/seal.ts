import { bytesToHex, type Hex } from '../../../../protocol/bytes.ts'
import { messagePasserAddress } from '../../../../protocol/genesis-file.ts'
import { type Header, headerHash } from '../../../../protocol/header.ts'
import { emptyRequestsHash } from '../../../../protocol/payload-block.ts'
import { encodeReceipt } from '../../../../protocol/receipt.ts'
import { emptyOmmersHash, emptyTrieRoot, orderedTrieRoot } from '../../../../protocol/trie-root.ts'
import type { AccountState, StoredBlock, StoredReceipt } from '../chain-view.ts'
import type { StateDiff } from '../state/state-store.ts'
import type { World } from '../state/world.ts'
import type { BlockExecution } from './block-execution.ts'

/** An executed block with everything that storing it takes. */
export type SealedBlock = StoredBlock & {
  readonly hash: Hex
  readonly receipts: readonly StoredReceipt[]
  readonly world: World
  readonly diff: StateDiff
  readonly accounts: ReadonlyMap<string, AccountState>
}

/** Header fields that execution does not decide. */
export type HeaderSeed = {
  readonly parentHash: Uint8Array
  readonly extraData: Uint8Array
  readonly parentBeaconBlockRoot: Uint8Array | undefined
}

/** What sealing reads of an execution. */
export type ExecutedBlock = Pick<
  BlockExecution,
  'env' | 'transactions' | 'receipts' | 'bloom' | 'gasUsed' | 'footprint'
>

/** Computes the roots of an executed block and its header. Specs: protocol/exec-engine.md and each fork's. */
export function sealBlock(execution: ExecutedBlock, seed: HeaderSeed): SealedBlock {
  const { env } = execution
  const { world, diff, accounts } = env.state.seal()
  const header: Header = {
    parentHash: seed.parentHash,
    ommersHash: emptyOmmersHash,
    coinbase: env.coinbase,
    stateRoot: world.root,
    transactionsRoot: orderedTrieRoot(execution.transactions),
    receiptsRoot: orderedTrieRoot(execution.receipts.map(({ receipt }) => encodeReceipt(receipt))),
    logsBloom: execution.bloom,
    difficulty: 0n,
    number: env.number,
    gasLimit: env.gasLimit,
    gasUsed: execution.gasUsed,
    timestamp: env.timestamp,
    extraData: seed.extraData,
    prevRandao: env.prevRandao,
    nonce: new Uint8Array(8),
    baseFeePerGas: env.baseFee,
    ...forkFields(execution, world, seed.parentBeaconBlockRoot),
  }
  return {
    hash: bytesToHex(headerHash(header)),
    header,
    transactions: execution.transactions,
    receipts: execution.receipts,
    world,
    diff,
    accounts,
  }
}

function forkFields(execution: ExecutedBlock, world: World, beaconRoot: Uint8Array | undefined): Partial<Header> {
  const { rules } = execution.env
  if (!rules.canyon) return {}
  if (!rules.ecotone) return { withdrawalsRoot: emptyTrieRoot }
  return {
    withdrawalsRoot: rules.isthmus ? messagePasserRoot(world) : emptyTrieRoot,
    blobGasUsed: execution.footprint,
    excessBlobGas: 0n,
    parentBeaconBlockRoot: beaconRoot,
    ...(rules.isthmus ? { requestsHash: emptyRequestsHash } : {}),
  }
}

/** Storage root of the L2ToL1MessagePasser: the header's withdrawals root from Isthmus. */
export function messagePasserRoot(world: World): Uint8Array {
  return world.account(messagePasserAddress)?.storageRoot ?? emptyTrieRoot
}
