import { readFileSync } from 'node:fs'
import { GraphQLError, parse } from 'graphql'
import { createSchema, createYoga, type Plugin } from 'graphql-yoga'
import type { Log } from '../../common/log.ts'
import { queryTextBytesMax } from './content-text.ts'
import type { QueryContext, QuerySources } from './context.ts'
import { spanReceiptsMax } from './explain-spans.ts'
import { limitRule, requestBytesMax, tokensMax } from './limits.ts'
import { Loaders } from './loaders.ts'
import { queryErrorCodes } from './query-error.ts'
import { resolvers } from './resolvers.ts'

/** The schema's text; the file is the schema, not a print of it. */
export const schemaText = readFileSync(new URL('../schema.graphql', import.meta.url), 'utf8')

/** GraphQL over HTTP, subscriptions over SSE, GraphiQL in the browser. */
export function graphqlServer(sources: QuerySources, log: Log) {
  const limits: Plugin = {
    onParse: ({ setParseFn }) => setParseFn((source: string) => parse(source, { maxTokens: tokensMax })),
    onValidate: ({ addValidationRule }) => {
      addValidationRule(limitRule)
      return ({ result }) => {
        for (const error of result) withCode(error)
      }
    },
  }
  return createYoga({
    schema: createSchema({ typeDefs: schemaText, resolvers }),
    context: (): QueryContext => ({
      ...sources,
      loaders: new Loaders(),
      text: { bytesLeft: queryTextBytesMax },
      spans: { receiptsLeft: spanReceiptsMax },
    }),
    plugins: [limits],
    graphqlEndpoint: '/graphql',
    maxRequestBodySize: requestBytesMax,
    landingPage: false,
    graphiql: { title: 'OpenLedger', defaultQuery: exampleQuery },
    maskedErrors: {
      maskError: (error) => {
        if (isForClient(error)) return withCode(error)
        log.warn('query failed', { error })
        return new GraphQLError('internal error', { extensions: { code: 'INTERNAL' } })
      },
    },
    logging: false,
  })
}

const exampleQuery = `{
  _meta { block { number } headLag missingContent }
  datanets {
    nodes {
      id
      licence
      status
      contributions(first: 3) { totalCount nodes { id author preview labels { nodes { code kind status } } } }
    }
  }
}
`

/** Told by its fields: an application and its libraries may hold two copies of the error's class. */
type ClientError = Error & { readonly originalError?: unknown; readonly extensions?: Record<string, unknown> }

/** Errors of the document and its variables, and ours by their codes; not what a resolver threw. */
function isForClient(error: unknown): error is ClientError {
  if (!(error instanceof Error)) return false
  const { originalError, extensions } = error as ClientError
  if (queryErrorCodes.some((code) => code === extensions?.['code'])) return true
  return error.name === 'GraphQLError' && (originalError === undefined || isForClient(originalError))
}

/** Gives a code to the errors that graphql finds in a document. */
function withCode(error: ClientError): ClientError {
  const code = error.extensions?.['code']
  if (typeof code !== 'string' || code.startsWith('GRAPHQL_'))
    Object.assign(error.extensions ?? {}, { code: 'BAD_QUERY' })
  return error
}
