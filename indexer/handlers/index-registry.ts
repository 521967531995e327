import { change, contractHandlers, noChange } from './event.ts'
import { evidenceRewards } from './evidence-rewards.ts'

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
          is_false: 0,
          reason: null,
          block,
          tx_hash: tx.hash,
        }),
    'IndexRetired(bytes32,uint64)': (event, { writer }) =>
      change(writer, 'text_index', event.topic(1), { dead_from: event.number(0) }),
    'IndexBondReturned(bytes32,address,address,uint256)': (event, { writer }) =>
      change(writer, 'text_index', event.topic(1), { bond: '0' }),
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
