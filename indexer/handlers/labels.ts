import { type AttributionLabel, attributionLabels, labelPath, optionalHex } from '../../protocol/attribution-labels.ts'
import type { IndexedTransaction } from '../sync/chain-client.ts'
import type { EventContext } from './event.ts'

/** Attribution labels of a transaction. A label is a claim: `linked` where the same transaction made the contribution it names. */
export function handleLabels(tx: IndexedTransaction, { block, writer }: EventContext): void {
  for (const label of attributionLabels(tx.to, tx.input)) {
    const { payload } = label
    writer.insert('label', {
      block,
      tx: tx.index,
      path: labelPath(label.path),
      tx_hash: tx.hash,
      sender: tx.from,
      code: label.code ?? null,
      kind: payload?.kind ?? null,
      model_id: textOf(payload?.modelId),
      datanet_id: textOf(payload?.datanet?.id),
      datanet_version: payload?.datanet?.version ?? null,
      request_id: optionalHex(payload?.requestId) ?? null,
      root: optionalHex(payload?.root) ?? null,
      parent_tx: optionalHex(payload?.parentTx) ?? null,
      weights: payload?.weights === undefined ? null : weightsJson(payload.weights),
      malformed: label.malformed ?? null,
      status: statusOf(label, tx, writer),
    })
  }
}

/** Runs after the transaction's events, so their rows are there to be matched. */
function statusOf(label: AttributionLabel, tx: IndexedTransaction, writer: EventContext['writer']): string {
  if (label.malformed !== undefined) return 'malformed'
  const { payload } = label
  if (payload?.kind !== 'contribution' || payload.root === undefined || tx.status !== 1) return 'declared'
  const root = optionalHex(payload.root) ?? ''
  const datanet = payload.datanet === undefined ? null : textOf(payload.datanet.id)
  const inDatanet = datanet === null ? '' : ' and datanet = cast(? as integer)'
  const values = datanet === null ? [root, tx.hash] : [root, tx.hash, datanet]
  const match = writer.get(
    `select 1 from contribution where content_hash = ? and tx_hash = ?${inDatanet}
     union all select 1 from batch where root = ? and tx_hash = ?${inDatanet} limit 1`,
    ...values,
    ...values,
  )
  return match === undefined ? 'declared' : 'linked'
}

function weightsJson(weights: readonly { readonly datanetId: bigint; readonly weightBps: number }[]): string {
  return JSON.stringify(weights.map((one) => ({ datanetId: String(one.datanetId), weightBps: one.weightBps })))
}

function textOf(value: bigint | undefined): string | null {
  return value === undefined ? null : String(value)
}
