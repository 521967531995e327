import type { Claim } from '../../attribution/epochs/claim-proof.ts'
import { CodedError } from '../../common/errors.ts'
import { bytesToHex, FormatError, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { integer, objectOf } from './papers.ts'

/** The indexer could not be asked, or answered something else. */
export class GraphqlError extends CodedError<'graphql'> {}

const graphqlTimeoutMs = 30_000
const query =
  'query ($address: Address!) { payee(address: $address) { claim { epoch index count cumulative siblings } } }'

/** What an indexer knows of a payee's claim; undefined where there is nothing to prove. Throws {@link GraphqlError}. */
export async function claimFromGraphql(url: string, payee: Hex): Promise<Claim | undefined> {
  return await asked(url, { query, variables: { address: payee } }, (data) => {
    const claim = objectOf(data['payee'] ?? {}, 'payee')['claim']
    return claim === undefined || claim === null ? undefined : readClaim(objectOf(claim, 'claim'))
  })
}

/** The batch of a request's receipt that is not void; undefined where there is none. Throws {@link GraphqlError}. */
export async function receiptPlace(url: string, requestId: Hex): Promise<bigint | undefined> {
  const text = `query ($id: Bytes!) { receipts(where: { requestId: $id }) { nodes { isVoid batch { id } } } }`
  return await asked(url, { query: text, variables: { id: requestId } }, (data) => {
    const nodes = objectOf(data['receipts'], 'receipts')['nodes'] as readonly unknown[]
    const live = nodes.map((node) => objectOf(node, 'receipt')).find(({ isVoid }) => isVoid === false)
    return live && integer(objectOf(live['batch'], 'batch')['id'], 64, 'batch')
  })
}

/** An answer's data. Throws {@link GraphqlError}. */
export async function askGraphql(
  url: string,
  query: string,
  variables: Readonly<Record<string, unknown>>,
): Promise<Readonly<Record<string, unknown>>> {
  return await asked(url, { query, variables }, (data) => data)
}

async function asked<T>(url: string, body: unknown, read: (data: Readonly<Record<string, unknown>>) => T): Promise<T> {
  const answer = await ask(url, body)
  try {
    const { errors, data } = objectOf(answer, 'the answer')
    if (errors !== undefined) throw new FormatError(messageOf(errors))
    return read(objectOf(data, 'data'))
  } catch (cause) {
    if (cause instanceof FormatError) throw new GraphqlError('graphql', `${url}: ${cause.message}`, { cause })
    throw cause
  }
}

function readClaim(claim: Readonly<Record<string, unknown>>): Claim {
  return {
    epoch: integer(claim['epoch'], 64, 'epoch'),
    index: Number(integer(claim['index'], 32, 'index')),
    count: Number(integer(claim['count'], 32, 'count')),
    cumulative: integer(claim['cumulative'], 128, 'cumulative'),
    siblings: bytesToHex(hexToBytes(String(claim['siblings']))),
  }
}

async function ask(url: string, body: unknown): Promise<unknown> {
  try {
    const signal = AbortSignal.timeout(graphqlTimeoutMs)
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body), signal })
    return await response.json()
  } catch (cause) {
    throw new GraphqlError('graphql', `no GraphQL answer from ${url}`, { cause })
  }
}

function messageOf(errors: unknown): string {
  const [first] = Array.isArray(errors) ? (errors as unknown[]) : []
  return String(objectOf(first ?? {}, 'error')['message'])
}
