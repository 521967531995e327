import { readFileSync } from 'node:fs'
import { GraphQLError, parse } from 'graphql'
import { createSchema, createYoga, type Plugin } from 'graphql-yoga'
import type { Log } from '../../common/log.ts'
import type { QueryContext } from './context.ts'
import { limitRule, tokensMax } from './limits.ts'
import { queryErrorCodes } from './query-error.ts'
import { resolvers } from './resolvers.ts'

/** The schema's text; the file is the schema, not a print of it. */
export const schemaText = readFileSync(new URL('../schema.graphql', import.meta.url), 'utf8')

/** GraphQL over HTTP, subscriptions over SSE, GraphiQL in the browser. */
export function graphqlServer(context: QueryContext, log: Log) {
  const limits: Plugin = {
    onParse: ({ setParseFn }) => setParseFn((source: string) => parse(source, { maxTokens: tokensMax })),
    onValidate: ({ addValidationRule }) => addValidationRule(limitRule),
  }
  return createYoga({
    schema: createSchema({ typeDefs: schemaText, resolvers }),
    context: () => context,
    plugins: [limits],
    graphqlEndpoint: '/graphql',
    landingPage: false,
    graphiql: { title: 'OpenLedger', defaultQuery: exampleQuery },
    maskedErrors: {
      maskError: (error) => {
        if (isForClient(error)) return error
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
      contributions(first: 3) { totalCount nodes { id author preview labels { code kind status } } }
    }
  }
}
`

/**
 * Errors of the document itself, and ours by their codes. Told by their fields: an application and its libraries may
 * hold two copies of the error's class.
 */
function isForClient(error: unknown): error is Error {
  if (!(error instanceof Error)) return false
  const { originalError, extensions } = error as Error & { originalError?: unknown; extensions?: { code?: unknown } }
  if (queryErrorCodes.some((code) => code === extensions?.code)) return true
  return originalError === undefined && error.name === 'GraphQLError'
}
