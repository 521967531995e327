import { asText } from '../../common/flag-parsers.ts'

/** What shows words: the texts' indexes and the models' tokenizers. */
export const atHandFlags = {
  indexes: {
    help: 'folder with suffix indexes (.oli): shows which words came from which contribution',
    value: 'DIR',
    parse: asText,
  },
  models: { help: 'folder with model files (.olm): their tokenizers show text', value: 'DIR', parse: asText },
} as const
