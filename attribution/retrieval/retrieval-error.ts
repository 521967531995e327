import { CodedError } from '../../common/errors.ts'

/**
 * What is refused about retrieval: `size` too many of something, `binary` and `encoding` content that is no text, `order` contributions not
 * ascending, `format` bytes that are no receipt or index, `unproven` a citation that its proof does not show.
 */
export class RetrievalError extends CodedError<'size' | 'binary' | 'encoding' | 'order' | 'format' | 'unproven'> {}
