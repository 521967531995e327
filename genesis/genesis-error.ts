import { CodedError } from '../common/errors.ts'

/**
 * Why a genesis cannot be made: `config` the deploy config is wrong, `bytecode` a dependency's code is not the expected
 * one, `supply` balances do not add up, `l1` the L1 refused or lacks something.
 */
export class GenesisError extends CodedError<'config' | 'bytecode' | 'supply' | 'l1'> {}
