import { escrows } from '../../store/escrows.ts'
import type { QueryContext } from '../context.ts'

type MetaNode = { readonly at: number | undefined }

/** The index itself: what it holds, and how it stands to the node. */
export const Meta = {
  chainId: (_: MetaNode, __: unknown, { chainId }: QueryContext) => String(chainId()),
  block: (node: MetaNode, __: unknown, context: QueryContext) => {
    const row = blockRow(node, context)
    if (row === undefined) return null
    const { number, hash, parent_hash: parentHash, timestamp } = row
    return { number, hash, parentHash, timestamp }
  },
  stateDigest: (node: MetaNode, __: unknown, context: QueryContext) => blockRow(node, context)?.['digest'] ?? null,
  head: (_: MetaNode, __: unknown, { syncState }: QueryContext) => syncState().head ?? null,
  safe: (_: MetaNode, __: unknown, { syncState }: QueryContext) => syncState().safe ?? null,
  finalized: (_: MetaNode, __: unknown, { syncState }: QueryContext) => syncState().finalized ?? null,
  headLag: (_: MetaNode, __: unknown, { store, syncState }: QueryContext) => {
    const { head } = syncState()
    return head === undefined ? null : Math.max(0, head - (store.cursor()?.number ?? 0))
  },
  hasIndexingErrors: (_: MetaNode, __: unknown, { syncState }: QueryContext) => syncState().error !== undefined,
  error: (_: MetaNode, __: unknown, { syncState }: QueryContext) => syncState().error ?? null,
  escrows: (_: MetaNode, __: unknown, { escrowStates }: QueryContext) =>
    escrowStates().map(({ escrow, held, owed, block }) => ({
      name: escrow,
      addresses: escrows[escrow],
      held: String(held),
      owed: String(owed),
      block,
      isCovered: held >= owed,
    })),
  missingContent: (_: MetaNode, __: unknown, { store }: QueryContext) => store.missingContents(),
}

function blockRow({ at }: MetaNode, { store }: QueryContext) {
  return at === undefined
    ? store.get('select * from block order by number desc limit 1')
    : store.get('select * from block where number = ?', at)
}
