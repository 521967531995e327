import { blockFeeParams, nextBaseFee } from '../../../../protocol/base-fee.ts'
import { bytesToHex } from '../../../../protocol/bytes.ts'
import type { Header } from '../../../../protocol/header.ts'
import type { StoredBlock, StoredHeader } from '../chain-view.ts'
import { InvalidBlockError } from '../errors.ts'
import type { FlatState } from '../state/flat-state.ts'
import type { BlockHashes } from '../transition/evm.ts'
import { TxError } from '../transition/outcome.ts'
import { BlockExecution, decodeTx } from './block-execution.ts'
import type { BlockParts } from './build.ts'
import { type SealedBlock, sealBlock } from './seal.ts'

/** Bytes of extra data before Holocene gives it a form. Source: yellow paper, section 4.3. */
const extraDataBytesMax = 32

/**
 * Executes a block made elsewhere and checks that it comes out as it says. Throws {@link InvalidBlockError} where it
 * breaks a rule and FormatError where the parent does.
 */
export async function processBlock(
  parts: BlockParts,
  parent: StoredHeader,
  block: StoredBlock,
  state: FlatState,
  blockHashes: BlockHashes,
): Promise<SealedBlock> {
  const { header } = block
  checkHeader(parts, parent, header)
  const env = await parts.executor.env(
    {
      number: header.number,
      timestamp: header.timestamp,
      coinbase: header.coinbase,
      prevRandao: header.prevRandao,
      gasLimit: header.gasLimit,
      baseFee: nextBaseFee(parts.chain, parent.header, header.timestamp),
    },
    state,
    blockHashes,
  )
  const seed = {
    parentHash: header.parentHash,
    extraData: header.extraData,
    parentBeaconBlockRoot: header.parentBeaconBlockRoot,
  }
  const execution = new BlockExecution(env)
  await execution.open({ ...seed, create2Deployer: parts.create2Deployer })
  for (const [index, raw] of block.transactions.entries()) await executeAt(execution, raw, index)
  const sealed = sealBlock(execution, seed)
  if (sealed.hash !== block.hash) throw new InvalidBlockError(difference(sealed.header, header))
  return sealed
}

function checkHeader(parts: BlockParts, parent: StoredHeader, header: Header): void {
  if (header.number !== parent.header.number + 1n) throw new InvalidBlockError(`block number ${header.number}`)
  if (header.timestamp <= parent.header.timestamp) throw new InvalidBlockError(`timestamp ${header.timestamp}`)
  if (header.gasUsed > header.gasLimit) throw new InvalidBlockError(`gas used ${header.gasUsed} above the limit`)
  try {
    const params = blockFeeParams(parts.chain.forkTimes, header.extraData, header.timestamp)
    if (params === undefined && header.extraData.length > extraDataBytesMax) throw new Error('extra data too long')
  } catch (cause) {
    throw new InvalidBlockError('malformed extra data', { cause })
  }
}

async function executeAt(execution: BlockExecution, raw: Uint8Array, index: number): Promise<void> {
  try {
    await execution.execute(decodeTx(raw))
  } catch (cause) {
    if (cause instanceof TxError) throw new InvalidBlockError(`transaction ${index}: ${cause.message}`, { cause })
    throw cause
  }
}

/** Names the fields in which a block is not what it says. */
function difference(computed: Header, claimed: Header): string {
  const fields = (Object.keys({ ...computed, ...claimed }) as (keyof Header)[]).filter(
    (field) => shown(computed[field]) !== shown(claimed[field]),
  )
  return fields.map((field) => `${field} is ${shown(computed[field])}, not ${shown(claimed[field])}`).join('; ')
}

function shown(value: Header[keyof Header]): string {
  return value instanceof Uint8Array ? bytesToHex(value) : String(value)
}
