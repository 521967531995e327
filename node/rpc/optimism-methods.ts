import { RpcError, rpcCodes } from '../../common/json-rpc.ts'
import type { RpcMethods } from '../../common/json-rpc-server.ts'
import { type Hex, parseQuantity } from '../../protocol/bytes.ts'
import { outputRootV0 } from '../../protocol/output-root.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import { rollupConfigJson } from '../../protocol/rollup-config-json.ts'
import type { L2Source } from '../driver/l2-source.ts'
import type { SafeDb } from '../driver/safe-db.ts'
import { blockIdJson, l2RefJson, type SyncStatus, syncStatusJson } from '../driver/sync-status.ts'
import { nodeVersion } from './version.ts'

export type OptimismParts = {
  readonly syncStatus: () => SyncStatus
  readonly l2: L2Source
  readonly engine: { readonly messagePasserRoot: (blockHash: Hex) => Promise<Hex> }
  readonly safeDb: Pick<SafeDb, 'safeHeadAt'>
}

/** The `optimism_` namespace, as op-node answers it. */
export function optimismMethods(config: RollupConfig, parts: OptimismParts): RpcMethods {
  return {
    optimism_syncStatus: () => syncStatusJson(parts.syncStatus()),
    optimism_outputAtBlock: async ([number]) => {
      const output = await outputAtBlock(parts, blockNumber(number))
      return { ...output, syncStatus: syncStatusJson(parts.syncStatus()) }
    },
    optimism_safeHeadAtL1Block: async ([number]) => {
      const found = await parts.safeDb.safeHeadAt(blockNumber(number))
      if (found === undefined) throw new RpcError(rpcCodes.server, 'no safe head is recorded at that L1 block')
      return { l1Block: blockIdJson(found.l1), safeHead: blockIdJson(found.safe) }
    },
    optimism_rollupConfig: () => rollupConfigJson(config),
    optimism_version: () => nodeVersion,
    // Of interop, which a chain of this node is no part of; op-node answers so without a set.
    optimism_dependencySet: () => {
      throw new RpcError(rpcCodes.server, 'not found')
    },
  }
}

/** Spec: protocol/proposals.md, "L2 Output Commitment Construction". */
async function outputAtBlock({ l2, engine }: OptimismParts, number: bigint): Promise<Record<string, unknown>> {
  const envelope = await l2.payloadByNumber(number)
  if (envelope === undefined) throw new RpcError(rpcCodes.server, `there is no L2 block ${number}`)
  const { stateRoot, blockHash, withdrawalsRoot } = envelope.executionPayload
  // From Isthmus the header carries the message passer's storage root.
  const withdrawalStorageRoot = withdrawalsRoot ?? (await engine.messagePasserRoot(blockHash))
  return {
    version: `0x${'00'.repeat(32)}`,
    outputRoot: outputRootV0({ stateRoot, withdrawalStorageRoot, blockHash }),
    blockRef: l2RefJson(l2.refOf(envelope)),
    withdrawalStorageRoot,
    stateRoot,
  }
}

function blockNumber(param: unknown): bigint {
  return parseQuantity(param, 'block number')
}
