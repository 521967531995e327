import { amountIn, change, contractHandlers, type EventReader, noChange } from './event.ts'
import { evidenceRewards } from './evidence-rewards.ts'

/** It counted for nothing from the first until before the second, Unix seconds. */
type Lapse = readonly [from: number, until: number]

/** Index of the IndexRegistry's events: suffix indexes of Datanet versions, their bonds and what became of them. */
export const indexRegistry = new Map([
  ...evidenceRewards,
  ...contractHandlers({
    'IndexPublished(bytes32,uint64,address,(uint64,uint32,bytes32,uint32,uint32,uint32,bytes32,bytes32,bytes32,bytes32,bytes32),uint256)':
      (event, { block, tx, writer }) =>
        writer.set('text_index', event.topic(1), {
          datanet: event.topicNumber(2),
          publisher: event.topicAddress(3),
          version: event.number(1),
          tokenizer_hash: event.word(2),
          vocab: event.number(3),
          tokens: event.number(4),
          documents: event.number(5),
          token_root: event.word(6),
          suffix_root: event.word(7),
          document_root: event.word(8),
          unigram_root: event.word(9),
          offset_root: event.word(10),
          bond: event.decimal(11),
          dead_from: null,
          lapses: '[]',
          is_false: 0,
          reason: null,
          block,
          tx_hash: tx.hash,
        }),
    'IndexRetired(bytes32,uint64)': (event, { writer }) =>
      change(writer, 'text_index', event.topic(1), { dead_from: event.number(0) }),
    'IndexTakenOver(bytes32,address,address,uint64,uint256)': (event, { writer }) => {
      const id = event.topic(1)
      const { dead_from: deadFrom, lapses } = writer.state('text_index', id) ?? {}
      const countsFrom = event.number(0)
      // Within its notice it never stopped counting.
      const isLapse = Number(deadFrom) < countsFrom
      const before = JSON.parse(String(lapses)) as readonly Lapse[]
      change(writer, 'text_index', id, {
        publisher: event.topicAddress(2),
        bond: event.decimal(1),
        dead_from: null,
        lapses: JSON.stringify(isLapse ? [...before, [Number(deadFrom), countsFrom]] : before),
      })
    },
    'IndexBondKept(bytes32,address,uint256,uint64)': (event, { block, tx, writer }) =>
      writer.set('former_index_bond', formerBond(event), {
        index_id: event.topic(1),
        publisher: event.topicAddress(2),
        amount: event.decimal(0),
        free_from: event.number(1),
        block,
        tx_hash: tx.hash,
      }),
    // The registry pays what is kept of an earlier bond first.
    'IndexBondReturned(bytes32,address,address,uint256)': (event, { writer }) => {
      const key = formerBond(event)
      if (amountIn(writer.state('former_index_bond', key), 'amount') > 0n)
        change(writer, 'former_index_bond', key, { amount: '0' })
      else change(writer, 'text_index', event.topic(1), { bond: '0' })
    },
    'IndexProvenFalse(bytes32,bytes4,uint64,bytes32,uint256)': (event, { writer }) =>
      change(writer, 'text_index', event.topic(1), {
        is_false: 1,
        reason: event.word(0).slice(0, 10),
        dead_from: event.number(1),
        bond: '0',
      }),
    'Initialized(uint64)': noChange,
  }),
])

/** Key of what is kept of a publisher's bonds, by an event with index and publisher as its first topics. */
function formerBond(event: EventReader): string {
  return `${event.topic(1)}-${event.topicAddress(2)}`
}
