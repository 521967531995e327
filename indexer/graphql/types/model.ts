import { type Hex, hexToBytes } from '../../../protocol/bytes.ts'
import { decodeRoyaltyRows } from '../../../protocol/royalty-vector.ts'
import { shortText } from '../../handlers/event.ts'
import type { QueryContext } from '../context.ts'
import { eventField, stateField } from '../lists.ts'
import { column, type Entity, entity, flag, origin, rowAt, stateColumn, stateEntity } from '../rows.ts'

const ofModel = (row: Entity['row']) => ({ model: row['key'] })

export const Model = {
  id: column('key'),
  owner: column('owner'),
  kind: column('kind'),
  classes: ({ row }: Entity) => bits(Number(row['verify_classes'])),
  licence: ({ row }: Entity) => shortText(String(row['licence_id']) as Hex),
  licenceTerms: stateColumn('model_licence', 'key'),
  royaltyHash: column('royalty_hash'),
  royalties: ({ row, at }: Entity) =>
    decodeRoyaltyRows(hexToBytes(String(row['royalty_vector']))).map((royalty) => ({ ...royalty, at })),
  versionCount: column('versions'),
  versions: eventField('model_version', ['model', 'version'], ofModel),
  prices: eventField('price', ['block', 'idx'], ofModel, { version: 'version', class: 'class' }),
  evaluations: eventField('evaluation', ['block', 'idx'], ofModel),
  parents: eventField('model_parent', ['model', 'parent'], ofModel),
  children: eventField('model_parent', ['model', 'parent'], (row) => ({ parent: row['key'] })),
  trainedOn: eventField('model_datanet', ['block', 'idx'], ofModel),
  deprecated: flag('deprecated'),
  frozen: flag('frozen'),
  disputeId: column('dispute_id'),
  payee: column('payee'),
  payeeFrom: column('payee_from'),
  receipts: eventField('receipt', ['batch', 'idx'], ofModel),
  ...origin,
}

type RoyaltyNode = ReturnType<typeof decodeRoyaltyRows>[number] & { readonly at: number | undefined }

export const Royalty = {
  modelId: ({ kind, id }: RoyaltyNode) => (kind === 0 ? String(BigInt(id)) : null),
  model: ({ kind, id, at }: RoyaltyNode, _: unknown, context: QueryContext) =>
    kind === 0 ? stateEntity(context, 'model', Number(BigInt(id)), at) : null,
  address: ({ kind, id }: RoyaltyNode) => (kind === 0 ? null : id),
}

export const ModelVersion = {
  model: stateColumn('model', 'model'),
  version: column('version'),
  weightsManifest: column('weights_manifest'),
  configHash: column('config_hash'),
  trainingRoot: column('training_root'),
  indexSetHash: column('index_set_hash'),
  indexIds: ({ row }: Entity, _: unknown, context: QueryContext) => indexIdsOf(context, row),
  indexes: async ({ row, at }: Entity, _: unknown, context: QueryContext) => {
    const ids = await indexIdsOf(context, row)
    const found = await Promise.all(ids.map((id) => stateEntity(context, 'text_index', id, at)))
    return found.filter((index) => index !== null)
  },
  trainedOn: eventField('model_datanet', ['block', 'idx'], (row) => ({ model: row['model'] })),
  evaluations: eventField('evaluation', ['block', 'idx'], (row) => ({ model: row['model'], version: row['version'] })),
  sketches: stateField('sketch_table', (row) => ({ model: row['model'], version: row['version'] })),
  receipts: eventField('receipt', ['batch', 'idx'], (row) => ({ model: row['model'], model_version: row['version'] })),
  ...origin,
}

/** A table of influences that class G is paid by. */
export const SketchTable = {
  model: stateColumn('model', 'model'),
  version: column('version'),
  adapterRoot: column('adapter_root'),
  owner: column('owner'),
  root: column('root'),
  /** Datanet versions that its rows are of: `datanet.version,…`. */
  sources: column('sources'),
  size: column('size'),
  rows: column('row_count'),
  from: column('from_time'),
  until: column('until_time'),
  isFalse: flag('is_false'),
  /** Selector of the challenge that proved it false. */
  reason: column('reason'),
  bond: column('bond'),
  ...origin,
}

/** At most 8. */
async function indexIdsOf(context: QueryContext, row: Entity['row']): Promise<readonly string[]> {
  const found = await rowAt(context, 'model_indexes', ['model', 'version'], [row['model'], row['version']])
  return JSON.parse(String(found?.['index_ids'] ?? '[]')) as readonly string[]
}

export const Price = {
  model: stateColumn('model', 'model'),
  version: column('version'),
  class: column('class'),
  priceVersion: column('price_version'),
  rin: column('rin'),
  rout: column('rout'),
  validUntil: column('valid_until'),
  sharesVersion: column('shares_version'),
  setAt: column('set_at'),
  ...origin,
}

export const Evaluation = {
  model: stateColumn('model', 'model'),
  version: column('version'),
  modelVersion: async ({ row, at }: Entity, _: unknown, context: QueryContext) =>
    entity(await rowAt(context, 'model_version', ['model', 'version'], [row['model'], row['version']]), at),
  suiteHash: column('suite_hash'),
  resultRoot: column('result_root'),
  attestationUid: column('attestation_uid'),
  ...origin,
}

export const ModelParent = {
  model: stateColumn('model', 'model'),
  parent: stateColumn('model', 'parent'),
  relation: column('relation'),
  bps: column('bps'),
  policy: column('policy'),
  blockNumber: column('block'),
}

export const ModelDatanet = {
  model: stateColumn('model', 'model'),
  datanet: stateColumn('datanet', 'datanet'),
  version: column('version'),
  weightBps: column('weight_bps'),
  blockNumber: column('block'),
}

/** Numbers of the bits that are set. */
export function bits(mask: number): number[] {
  return Array.from({ length: 8 }, (_, bit) => bit).filter((bit) => (mask >> bit) % 2 === 1)
}
