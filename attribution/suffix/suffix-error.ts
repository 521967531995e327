import { CodedError } from '../../common/errors.ts'

/**
 * What is refused about texts, indexes and proofs: `binary` and `encoding` content that is no text, `token` one outside the
 * vocabulary, `order` documents not ascending, `size` too few or too many of something, `format` bytes that are no index, set
 * or proof, `root` tables or openings that do not lead to their record, `too-common` a span that no proof of bounded size can count, `unproven` a
 * proof whose openings do not show what it says.
 */
export class SuffixError extends CodedError<
  'binary' | 'encoding' | 'token' | 'order' | 'size' | 'format' | 'root' | 'too-common' | 'unproven'
> {}
