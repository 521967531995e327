import { CodedError } from '../common/errors.ts'

/**
 * `not-registered`: the account is no worker, or in jail. `no-models`: nothing to serve. `no-contracts`: the L2 has no such contracts.
 * `no-llama`: node-llama-cpp is not installed. `server`: an OpenAI-compatible server does not answer as one;
 * `no-adapter`: it does not serve an adapter.
 */
export class WorkerError extends CodedError<
  'not-registered' | 'no-models' | 'no-contracts' | 'no-llama' | 'server' | 'no-adapter'
> {}
