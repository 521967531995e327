import { change, contractHandlers, noChange } from './event.ts'

/** wei of a table's bond: SketchRegistry's `BOND`. */
export const sketchBond = 100n * 10n ** 18n

/** Index of the SketchRegistry's events: tables of influences of model versions, and their bonds. */
export const sketchRegistry = contractHandlers({
  'SketchesRegistered(bytes32,bytes32,address,bytes32,uint32,uint16,uint64)': (event, { block, tx, writer }) => {
    const modelVersion = BigInt(event.topic(1))
    writer.set('sketch_table', tableKey(event.topic(1), event.topic(2)), {
      model: Number(BigInt.asUintN(64, modelVersion >> 32n)),
      version: Number(BigInt.asUintN(32, modelVersion)),
      adapter_root: event.topic(2),
      owner: event.topicAddress(3),
      root: event.word(0),
      size: event.number(1),
      row_count: event.number(2),
      from_time: event.number(3),
      until_time: null,
      bond: String(sketchBond),
      block,
      tx_hash: tx.hash,
    })
  },
  'SketchesRetired(bytes32,bytes32,uint64)': (event, { writer }) =>
    change(writer, 'sketch_table', tableKey(event.topic(1), event.topic(2)), { until_time: event.number(0) }),
  'SketchBondReturned(bytes32,bytes32,address,uint256)': (event, { writer }) =>
    change(writer, 'sketch_table', tableKey(event.topic(1), event.topic(2)), { bond: '0' }),
  'Initialized(uint64)': noChange,
})

const tableKey = (modelVersion: string, adapterRoot: string) => `${modelVersion}-${adapterRoot}`
