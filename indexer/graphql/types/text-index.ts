import { stateField } from '../lists.ts'
import { column, type Entity, flag, origin, stateColumn } from '../rows.ts'

export const TextIndex = {
  id: column('key'),
  datanet: stateColumn('datanet', 'datanet'),
  version: column('version'),
  publisher: column('publisher'),
  tokenizerHash: column('tokenizer_hash'),
  vocab: column('vocab'),
  tokens: column('tokens'),
  documents: column('documents'),
  tokenRoot: column('token_root'),
  suffixRoot: column('suffix_root'),
  documentRoot: column('document_root'),
  unigramRoot: column('unigram_root'),
  offsetRoot: column('offset_root'),
  bond: column('bond'),
  deadFrom: column('dead_from'),
  lapses: ({ row }: Entity) =>
    (JSON.parse(String(row['lapses'])) as readonly (readonly [number, number])[]).map(([from, until]) => ({
      from,
      until,
    })),
  formerBonds: stateField('former_index_bond', (row) => ({ index_id: row['key'] })),
  isFalse: flag('is_false'),
  reason: column('reason'),
  ...origin,
}

export const FormerIndexBond = {
  publisher: column('publisher'),
  amount: column('amount'),
  freeFrom: column('free_from'),
  ...origin,
}

export const EvidenceDemand = {
  id: column('key'),
  evidenceHash: column('evidence_hash'),
  requester: column('requester'),
  prepaid: column('prepaid'),
  dueAt: column('due_at'),
  status: column('status'),
  answerer: column('answerer'),
  evidence: column('evidence'),
  ...origin,
}
