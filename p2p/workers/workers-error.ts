import { CodedError } from '../../common/errors.ts'

/**
 * What failed in the worker network. `hello`: a peer was not let in, or did not say who it is. `unreachable`: a peer has
 * no stream for us. `withheld`: nobody gave a proof. `lied`: a peer's bytes are not what it announced. `slow`: it kept none
 * of the times. `too-large`: beyond a limit of bytes. `protocol`: it broke the rules of a stream. `cancelled`: given up by us.
 * `stopped`: the network is shut down.
 */
export class WorkersError extends CodedError<
  'hello' | 'unreachable' | 'withheld' | 'lied' | 'slow' | 'too-large' | 'protocol' | 'cancelled' | 'stopped'
> {}
