import { NearDuplicateFinder } from '../../attribution/near-duplicates/near-duplicates.ts'
import { shinglesOf, signatureOf, similarityBps } from '../../attribution/near-duplicates/signature.ts'
import { RetrievalIndex, type RetrievalRule } from '../../attribution/retrieval/retrieval-index.ts'
import { seedDatanets } from '../../cli/dev/seed-sources.ts'
import { readSynsets } from '../train-base/wordnet.ts'

const rules: readonly RetrievalRule[] = ['words', 'vectors', 'both']
const hits = 10
const megabyte = 2 ** 20

/**
 * Retrieval and near-duplicates on texts of installed packages: how often the text that a query speaks of is found, how many
 * texts are wrongly taken for near-duplicates, and the work of this process (CPU time) for each.
 */
export function benchRetrieval({ quick }: { readonly quick: boolean }): object {
  const examples = exampleQueries(quick ? 2_000 : 10_000)
  return {
    examples: searchFigures(examples),
    forms: searchFigures(formQueries(examples)),
    nearDuplicates: nearDuplicateFigures(),
  }
}

type Case = { readonly texts: readonly string[]; readonly queries: readonly (readonly [query: string, text: number])[] }

/** WordNet: a text is a synset's words and meaning, a query an example sentence of it. */
function exampleQueries(count: number): Case {
  const texts: string[] = []
  const queries: (readonly [string, number])[] = []
  for (const { words, meaning, gloss } of readSynsets().values()) {
    const example = /"([^"]{15,})"/.exec(gloss)?.[1]
    if (example === undefined) continue
    queries.push([example, texts.length])
    texts.push(`${words.join(', ')}: ${meaning}`)
    if (texts.length === count) break
  }
  return { texts, queries: queries.filter((_, i) => i % 10 === 0) }
}

/** The same texts; a query is a meaning whose words of more than three letters have lost the last one, as other forms have. */
function formQueries({ texts }: Case): Case {
  const queries = texts.map((text, i) => {
    const meaning = text.slice(text.indexOf(': ') + 2)
    return [meaning.replaceAll(/\b([a-z]{3,})[a-z]\b/g, '$1'), i] as const
  })
  return { texts, queries: queries.filter((_, i) => i % 10 === 5) }
}

function searchFigures({ texts, queries }: Case): object {
  const documents = texts.map((text, i) => ({ contribId: BigInt(i + 1), content: Buffer.from(text) }))
  const [index, buildMs] = timed(() => new RetrievalIndex(documents))
  const byRule = rules.map((rule) => {
    let [first, among] = [0, 0]
    const [, ms] = timed(() => {
      for (const [query, text] of queries) {
        const found = index.search(query, rule, hits).findIndex(({ contribId }) => contribId === BigInt(text + 1))
        if (found === 0) first++
        if (found >= 0) among++
      }
    })
    const share = (count: number) => Number((count / queries.length).toFixed(3))
    const msPerQuery = Number((ms / queries.length).toFixed(2))
    return [rule, { first: share(first), amongTen: share(among), msPerQuery }] as const
  })
  return {
    texts: texts.length,
    passages: index.passages.length,
    queries: queries.length,
    buildMs: Math.round(buildMs),
    ...Object.fromEntries(byRule),
  }
}

function nearDuplicateFigures(): object {
  const texts = seedDatanets().flatMap((datanet) => datanet.texts.map(({ text }) => Buffer.from(text)))
  const large = Buffer.concat(texts).subarray(0, megabyte)
  const perMegabyte = Array.from({ length: 7 }, () => timed(() => signatureOf(large))[1]).sort((a, b) => a - b)
  const signatures = texts.map((text) => signatureOf(text))
  const finder = new NearDuplicateFinder()
  const [found, findMs] = timed(() =>
    signatures.map((signature, i) => finder.add({ contribId: BigInt(i + 1), signature })),
  )
  const exact = found.flatMap((each) => {
    if (each === undefined) return []
    const [a, b] = [texts[Number(each.contribId) - 1], texts[Number(each.original) - 1]]
    return a === undefined || b === undefined ? [] : [exactSimilarity(a, b)]
  })
  const errors = exact.map((value, i) => {
    const bps = found.filter((each) => each !== undefined)[i]?.bps ?? 0
    return Math.abs(bps / 10_000 - value)
  })
  const [, compareMs] = timed(() => {
    for (const a of signatures.slice(0, 1_000)) for (const b of signatures.slice(0, 100)) similarityBps(a, b)
  })
  return {
    texts: texts.length,
    found: exact.length,
    below05: exact.filter((value) => value < 0.5).length,
    lowest: Number(Math.min(...exact).toFixed(3)),
    meanError: Number((errors.reduce((sum, error) => sum + error, 0) / errors.length).toFixed(3)),
    msPerMegabyte: Number((perMegabyte[3] ?? 0).toFixed(1)),
    findUsPerText: Math.round((1_000 * findMs) / texts.length),
    compareNs: Math.round((1e6 * compareMs) / 100_000),
  }
}

function exactSimilarity(a: Uint8Array, b: Uint8Array): number {
  const [left, right] = [new Set(shinglesOf(a)), new Set(shinglesOf(b))]
  let common = 0
  for (const shingle of left) if (right.has(shingle)) common++
  return common / (left.size + right.size - common)
}

/** CPU time of this process in ms. */
function timed<T>(work: () => T): readonly [T, number] {
  const before = process.cpuUsage()
  const result = work()
  const { user, system } = process.cpuUsage(before)
  return [result, (user + system) / 1_000]
}
