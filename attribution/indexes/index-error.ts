import { CodedError } from '../../common/errors.ts'

/**
 * Why an index is not to be had: `unknown-version` no such Datanet version, or Datanet; `permissioned` its texts are in no index;
 * `withdrawn` the Datanet is archived, or a contribution's consent is withdrawn; `no-items` the list of its contributions is
 * nowhere, `no-content` a text of it, `no-tokenizer` the tokenizer; `wrong-content` bytes of another hash; `unknown-index` nobody
 * published it; `no-file` nobody has its file, or a model, an adapter or a table of influences is not here; `folder-full` it does not fit; `too-long` a peer sends more
 * than it has; `failed` anything else.
 */
export class IndexError extends CodedError<
  | 'unknown-version'
  | 'permissioned'
  | 'withdrawn'
  | 'no-items'
  | 'no-content'
  | 'no-tokenizer'
  | 'wrong-content'
  | 'unknown-index'
  | 'no-file'
  | 'folder-full'
  | 'too-long'
  | 'failed'
> {}
