import { change, contractHandlers } from './event.ts'

/** How a model came from its parent; `Relation` of ModelRegistry.sol. */
const relations = ['fineTune', 'merge', 'quantise', 'distil', 'adapter'] as const

/** Index of the ModelRegistry's events. */
export const modelRegistry = contractHandlers({
  'ModelRegistered(uint64,address,uint8,uint8,bytes32,bytes32)': (event, { block, tx, writer }) =>
    writer.set('model', event.topicNumber(1), {
      owner: event.topicAddress(2),
      kind: event.number(0),
      verify_classes: event.number(1),
      licence_id: event.word(2),
      royalty_hash: event.word(3),
      royalty_vector: '0x',
      versions: 0,
      deprecated: 0,
      frozen: 0,
      dispute_id: null,
      payee: event.topicAddress(2),
      payee_from: null,
      block,
      tx_hash: tx.hash,
    }),
  'RoyaltySnapshot(uint64,bytes)': (event, { writer }) =>
    change(writer, 'model', event.topicNumber(1), { royalty_vector: event.bytes(0) }),
  'ModelVersion(uint64,uint32,bytes32,bytes32,bytes32,bytes32)': (event, { block, tx, writer }) => {
    const [model, version] = [event.topicNumber(1), event.topicNumber(2)]
    writer.insert('model_version', {
      model,
      version,
      weights_manifest: event.word(0),
      config_hash: event.word(1),
      training_root: event.word(2),
      index_set_hash: event.word(3),
      block,
      tx_hash: tx.hash,
    })
    change(writer, 'model', model, { versions: version })
  },
  'ModelIndexes(uint64,uint32,bytes32[])': (event, { block, writer }) =>
    writer.insert('model_indexes', {
      model: event.topicNumber(1),
      version: event.topicNumber(2),
      index_ids: JSON.stringify(event.words(0)),
      block,
    }),
  'ModelTrainedOn(uint64,uint64,uint32,uint16)': (event, { block, writer }) =>
    writer.insert('model_datanet', {
      block,
      idx: event.index,
      model: event.topicNumber(1),
      datanet: event.topicNumber(2),
      version: event.number(0),
      weight_bps: event.number(1),
    }),
  'ModelParent(uint64,uint64,uint8,uint16,uint8)': (event, { block, writer }) =>
    writer.insert('model_parent', {
      model: event.topicNumber(1),
      parent: event.topicNumber(2),
      relation: relations[event.number(0)] ?? String(event.number(0)),
      bps: event.number(1),
      policy: event.number(2),
      block,
    }),
  'PriceSet(uint64,uint32,uint8,uint32,(uint128,uint128,uint64,uint32,uint64))': (event, { block, tx, writer }) =>
    writer.insert('price', {
      block,
      idx: event.index,
      model: event.topicNumber(1),
      version: event.topicNumber(2),
      class: event.topicNumber(3),
      price_version: event.number(0),
      rin: event.decimal(1),
      rout: event.decimal(2),
      valid_until: event.number(3),
      shares_version: event.number(4),
      set_at: event.number(5),
      tx_hash: tx.hash,
    }),
  'EvaluationCommitted(uint64,bytes32)': (event, { block, tx, writer }) =>
    writer.insert('evaluation', {
      block,
      idx: event.index,
      model: event.topicNumber(1),
      version: null,
      suite_hash: event.topic(2),
      result_root: null,
      attestation_uid: null,
      tx_hash: tx.hash,
    }),
  'EvaluationRecorded(uint64,uint32,bytes32,bytes32,bytes32)': (event, { block, tx, writer }) =>
    writer.insert('evaluation', {
      block,
      idx: event.index,
      model: event.topicNumber(1),
      version: event.topicNumber(2),
      suite_hash: event.word(0),
      result_root: event.word(1),
      attestation_uid: event.word(2),
      tx_hash: tx.hash,
    }),
  'ModelTransferred(uint64,address,address,uint64)': (event, { writer }) => {
    const to = event.topicAddress(3)
    change(writer, 'model', event.topicNumber(1), { owner: to, payee: to, payee_from: event.number(0) })
  },
  'ModelDeprecated(uint64)': (event, { writer }) => change(writer, 'model', event.topicNumber(1), { deprecated: 1 }),
  'ModelFrozen(uint64,bytes32)': (event, { writer }) =>
    change(writer, 'model', event.topicNumber(1), { frozen: 1, dispute_id: event.word(0) }),
  'ModelUnfrozen(uint64,bytes32)': (event, { writer }) =>
    change(writer, 'model', event.topicNumber(1), { frozen: 0, dispute_id: event.word(0) }),
})
