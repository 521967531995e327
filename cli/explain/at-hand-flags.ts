import { asText } from '../../common/flag-parsers.ts'
import { asList } from '../worker/lists.ts'

/** What shows words and influences: the texts' indexes, the models' tokenizers, tables of influences and what they are of. */
export const atHandFlags = {
  indexes: {
    help: 'folder with suffix indexes (.oli): shows which words came from which contribution',
    value: 'DIR',
    parse: asText,
  },
  models: {
    help: 'folders with model files (.olm): their tokenizers show text; with adapters (.ola) and tables of influences (.olt): shows what influenced an answer',
    value: 'DIR,…',
    parse: asList,
    many: true,
  },
} as const
