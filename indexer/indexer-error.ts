import { CodedError } from '../common/errors.ts'

/**
 * `schema`: the database was written by another version. `corrupt`: it cannot be read. `in-use`: another process has it.
 * `wrong-chain`: it belongs to another chain. `deep-reorg`: the node replaced a block it called final.
 */
export class IndexerError extends CodedError<'schema' | 'corrupt' | 'in-use' | 'wrong-chain' | 'deep-reorg'> {}
