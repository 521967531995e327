import { change, contractHandlers, noChange } from './event.ts'
import { evidenceRewards } from './evidence-rewards.ts'

/** wei of a table's bond: SketchRegistry's `BOND`. */
export const sketchBond = 100n * 10n ** 18n

/** Index of the SketchRegistry's events: tables of influences of model versions, their bonds and what became of them. */
const own = contractHandlers({
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
      sources: '',
      is_false: 0,
      reason: null,
      bond: String(sketchBond),
      block,
      tx_hash: tx.hash,
    })
  },
  'SketchSources(bytes32,bytes32,(uint64,uint32)[])': (event, { writer }) => {
    const sources = Array.from({ length: event.number(1) }, (_, i) => [
      event.number(2 + 2 * i),
      event.number(3 + 2 * i),
    ])
    const told = sources.map(([datanet, version]) => `${datanet}.${version}`).join()
    return change(writer, 'sketch_table', tableKey(event.topic(1), event.topic(2)), { sources: told })
  },
  'SketchesProvenFalse(bytes32,bytes32,bytes4,uint64,bytes32,uint256)': (event, { writer }) =>
    change(writer, 'sketch_table', tableKey(event.topic(1), event.topic(2)), {
      ...{ is_false: 1, reason: event.word(0).slice(0, 10), until_time: event.number(1), bond: '0' },
    }),
  'SketchesRetired(bytes32,bytes32,uint64)': (event, { writer }) =>
    change(writer, 'sketch_table', tableKey(event.topic(1), event.topic(2)), { until_time: event.number(0) }),
  'SketchBondReturned(bytes32,bytes32,address,uint256)': (event, { writer }) =>
    change(writer, 'sketch_table', tableKey(event.topic(1), event.topic(2)), { bond: '0' }),
  'Initialized(uint64)': noChange,
})

export const sketchRegistry = new Map([...evidenceRewards, ...own])

const tableKey = (modelVersion: string, adapterRoot: string) => `${modelVersion}-${adapterRoot}`
