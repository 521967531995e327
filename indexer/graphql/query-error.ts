import { GraphQLError } from 'graphql'

/**
 * Stable `extensions.code` values. BAD_QUERY: the document or its variables are not valid GraphQL for this schema.
 * Anything else is answered as INTERNAL without detail.
 */
export const queryErrorCodes = [
  'BAD_QUERY',
  'BAD_INPUT',
  'BLOCK_NOT_INDEXED',
  'BLOCK_REORGED',
  'LIMIT_EXCEEDED',
] as const
export type QueryErrorCode = (typeof queryErrorCodes)[number]

/** An error that the client may see. */
export function queryError(code: QueryErrorCode, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code } })
}
