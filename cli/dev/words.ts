import type { Hex } from '../../protocol/bytes.ts'
import { queryGraphql } from './graphql.ts'
import type { Earning } from './payments.ts'

/** Words of an answer that stand in a contribution, and who is paid for them. */
export type PaidWords = {
  readonly requestId: Hex
  readonly payee: Hex
  readonly text: string | null
  readonly contributions: readonly string[]
}

/** Payees whose words are looked up: those of the largest earnings of class S. */
const payeesMax = 3
/** Final epochs in which answers of one round may lie. */
const epochsMax = 3

/** What the indexer shows of the words that answers owe contributions for, and what it does not show. Throws what the indexer throws. */
export async function readWords(
  graphqlUrl: string,
  requestIds: readonly Hex[],
  earnings: readonly Earning[],
): Promise<{ readonly words: readonly PaidWords[]; readonly lacking: string | undefined }> {
  const payees = [...new Set(earnings.filter((each) => each.class === 'S').map(({ payee }) => payee))]
  const { epochs } = await queryGraphql<{ epochs: { nodes: { number: string }[] } }>(graphqlUrl, epochsQuery)
  const words: PaidWords[] = []
  for (const payee of payees.slice(0, payeesMax)) {
    const own: PaidWords[] = []
    for (const { number } of epochs.nodes) {
      const variables = { payout: `${number}:${payee}:S` }
      const { explain } = await queryGraphql<{ explain: Explanation }>(graphqlUrl, explainQuery, variables)
      const [missing] = [...explain.missing, ...explain.differences]
      if (missing !== undefined)
        return { words, lacking: `the payout ${variables.payout} is not explained: ${missing}` }
      for (const { requestId, spans } of explain.receipts) {
        if (!requestIds.includes(requestId)) continue
        if (spans.why !== null) return { words, lacking: `no words of answer ${requestId} are shown: ${spans.why}` }
        own.push(...spans.spans.map(({ text, places }) => wordsOf(requestId, payee, text, places)))
      }
    }
    if (own.length === 0) return { words, lacking: `no words of the answers are shown that ${payee} is paid for` }
    words.push(...own)
  }
  return { words, lacking: undefined }
}

function wordsOf(requestId: Hex, payee: Hex, text: string | null, places: readonly Place[]): PaidWords {
  return { requestId, payee, text, contributions: [...new Set(places.map(({ contribution }) => contribution))] }
}

type Place = { readonly contribution: string }

type Explanation = {
  readonly missing: readonly string[]
  readonly differences: readonly string[]
  readonly receipts: readonly {
    readonly requestId: Hex
    readonly spans: {
      readonly why: string | null
      readonly spans: readonly { readonly text: string | null; readonly places: readonly Place[] }[]
    }
  }[]
}

const epochsQuery = `{ epochs(first: ${epochsMax}, orderDirection: desc, where: { status: final }) { nodes { number } } }`
const explainQuery = `query($payout: String!) { explain(payout: $payout) { missing differences receipts {
  requestId spans { why spans { text places { contribution } } }
} } }`
