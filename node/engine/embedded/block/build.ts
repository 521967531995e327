import { attributesExtraData, nextBaseFee } from '../../../../protocol/base-fee.ts'
import { FormatError, hexToBytes } from '../../../../protocol/bytes.ts'
import type { PayloadAttributes } from '../../../../protocol/engine-api.ts'
import type { ChainParameters } from '../../../../protocol/genesis-file.ts'
import type { StoredHeader } from '../chain-view.ts'
import type { FlatState } from '../state/flat-state.ts'
import type { Create2DeployerCode } from '../transition/create2-deployer.ts'
import type { BlockHashes } from '../transition/evm.ts'
import type { Executor } from '../transition/executor.ts'
import { rulesAt } from '../transition/rules.ts'
import { BlockExecution, decodeTx } from './block-execution.ts'
import { type SealedBlock, sealBlock } from './seal.ts'

/** What building or checking a block takes beside the block. */
export type BlockParts = {
  readonly chain: ChainParameters
  readonly executor: Executor
  readonly create2Deployer: Create2DeployerCode | undefined
}

/** A block that is open: its forced transactions are executed, more may follow until it is sealed. */
export type OpenBlock = { readonly execution: BlockExecution; readonly seal: () => SealedBlock }

/**
 * Begins the block that `attributes` ask for and executes their transactions. Throws {@link FormatError} for attributes
 * that the fork forbids and TxError for a transaction that cannot be in the block.
 */
export async function openBlock(
  parts: BlockParts,
  parent: StoredHeader,
  attributes: PayloadAttributes,
  state: FlatState,
  blockHashes: BlockHashes,
): Promise<OpenBlock> {
  checkAttributes(parts.chain, parent, attributes)
  const { timestamp } = attributes
  const env = await parts.executor.env(
    {
      number: parent.header.number + 1n,
      timestamp,
      coinbase: hexToBytes(attributes.suggestedFeeRecipient),
      prevRandao: hexToBytes(attributes.prevRandao),
      gasLimit: attributes.gasLimit,
      baseFee: nextBaseFee(parts.chain, parent.header, timestamp),
    },
    state,
    blockHashes,
  )
  const seed = {
    parentHash: hexToBytes(parent.hash),
    extraData: attributesExtraData(parts.chain, attributes),
    parentBeaconBlockRoot:
      attributes.parentBeaconBlockRoot === undefined ? undefined : hexToBytes(attributes.parentBeaconBlockRoot),
  }
  const execution = new BlockExecution(env)
  await execution.open({ ...seed, create2Deployer: parts.create2Deployer })
  for (const raw of attributes.transactions) await execution.execute(decodeTx(raw))
  return { execution, seal: () => sealBlock(execution, seed) }
}

/** Spec: protocol/exec-engine.md, "Extended PayloadAttributesV1" and each fork's; op-geth `checkOptimismPayloadAttributes`. */
function checkAttributes(chain: ChainParameters, parent: StoredHeader, attributes: PayloadAttributes): void {
  const rules = rulesAt(chain.forkTimes, attributes.timestamp)
  if (attributes.timestamp <= parent.header.timestamp) {
    throw new FormatError(`timestamp ${attributes.timestamp} is not after the parent's ${parent.header.timestamp}`)
  }
  if (rules.canyon !== (attributes.withdrawals !== undefined)) {
    throw new FormatError('withdrawals must be there from Canyon, and only then')
  }
  if (rules.ecotone !== (attributes.parentBeaconBlockRoot !== undefined)) {
    throw new FormatError('parentBeaconBlockRoot must be there from Ecotone, and only then')
  }
}
