import { accountProofsRunner } from './l1/account-proofs.ts'
import { blobSidecarsRunner } from './l1/blob-sidecars.ts'
import { blobTxRunner, rpcBlocksRunner } from './l1/rpc-blocks.ts'
import type { VectorRunner } from './vector.ts'

/** Runners of folder `l1`. */
export const runners: readonly VectorRunner[] = [rpcBlocksRunner, blobTxRunner, accountProofsRunner, blobSidecarsRunner]
