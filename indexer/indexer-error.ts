import { CodedError } from '../common/errors.ts'

/**
 * `schema`: the database was written by another version. `corrupt`: it cannot be read. `in-use`: another process has it.
 * `disk-full`: nothing can be written now. `wrong-chain`: it belongs to another chain. `deep-reorg`: the node replaced a
 * block it called final.
 */
export class IndexerError extends CodedError<
  'schema' | 'corrupt' | 'in-use' | 'disk-full' | 'wrong-chain' | 'deep-reorg'
> {}
