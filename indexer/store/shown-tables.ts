import { columns, table } from './columns.ts'

/** State tables of the SketchRegistry and the SignatureRegistry. Times in Unix seconds. */
export const shownStateTables = {
  /** Keyed by `<model version>-<adapter root>`. `bond`: wei, 0 once it was returned; `until_time`: of a retired or false one; `sources`: `datanet.version,…`; `reason`: selector of the challenge. */
  sketch_table: table(
    'sketch_table',
    'text',
    columns(
      ['adapter_root', 'owner', 'root', 'sources', 'bond', 'reason', 'tx_hash'],
      ['model', 'version', 'size', 'row_count', 'from_time', 'until_time', 'is_false', 'block'],
    ),
  ),
  /** Keyed by contribution. */
  shown_signature: table(
    'shown_signature',
    'integer',
    columns(['shown_by', 'signature', 'tx_hash'], ['shown_at', 'block']),
  ),
} as const

export const shownStateIndexes = `
create index sketch_table_model on sketch_table (model, key);
create index sketch_table_owner on sketch_table (owner, key);
create index shown_signature_by on shown_signature (shown_by, key);
`
