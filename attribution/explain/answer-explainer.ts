import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { isSealed } from '../../protocol/private-tokens.ts'
import { spansV2 } from '../combined/attribute-v2.ts'
import { IndexError } from '../indexes/index-error.ts'
import { IndexFiles } from '../indexes/index-files.ts'
import { GradientFolders } from '../influences/gradient-folders.ts'
import { QueryMaker, type SketchSource } from '../influences/query-maker.ts'
import { algoV1 } from '../suffix/algo-v1.ts'
import { indexSet } from '../suffix/attribute.ts'
import { contributionsIn } from '../suffix/evidence.ts'
import { keptSpans } from '../suffix/kept-spans.ts'
import { tokenScores } from '../suffix/span-scores.ts'
import type { SuffixIndex } from '../suffix/suffix-index.ts'
import { type AnswerExplanation, type AnswerToExplain, explainAnswer } from './explain-answer.ts'
import { TokenizerFiles } from './tokenizer-files.ts'

/** Folders that are looked into at each need; those that are not there yet may come. */
export type ExplainFolders = {
  /** With suffix indexes (.oli). */
  readonly indexes: string | undefined
  /** With models (.olm), adapters (.ola) and tables of influences (.olt). */
  readonly models: readonly string[]
}

/** An answer and what the chain says that it is attributed by; nothing of it is a function, so that threads may ask. */
export type AnswerQuestion = Pick<
  AnswerToExplain,
  'rule' | 'prompt' | 'output' | 'entries' | 'isDead' | 'trainedOn'
> & {
  /** Indexes of the model version. */
  readonly ids: readonly Hex[]
  /** MinHash signatures that count for the batch, at least of the {@link AnswerExplainer.contributions}. */
  readonly signatures: ReadonlyMap<bigint, Uint32Array>
  /** The table of influences in force. */
  readonly sketched: SketchSource | undefined
}

export type ExplainedAnswer = AnswerExplanation & {
  /** Its tokens are sealed between payer and worker: nobody else reads them, and all goes to units. */
  readonly isPrivate: boolean
  /** What is not at hand, and how to get it; a sentence each. */
  readonly missing: readonly string[]
}

/** Explains answers by the indexes, models and tables of influences in folders. */
export class AnswerExplainer {
  readonly #indexes: IndexFiles
  readonly #tokenizers: TokenizerFiles
  readonly #queries: QueryMaker

  constructor({ indexes, models }: ExplainFolders) {
    this.#indexes = new IndexFiles(indexes)
    this.#tokenizers = new TokenizerFiles(models)
    this.#queries = new QueryMaker(new GradientFolders(models))
  }

  /** Contributions whose signatures count for an answer under algoHash v2; none where an index is not at hand. Throws SuffixError. */
  contributions({ ids, output, isDead }: Pick<AnswerQuestion, 'ids' | 'output' | 'isDead'>): bigint[] {
    const found = this.#set(ids).set
    if (isDead || found === undefined || found.length === 0) return []
    const set = indexSet(found)
    const answer = Array.from(output.subarray(0, algoV1.answerTokensMax))
    return contributionsIn(keptSpans(set, answer, tokenScores(set, answer), spansV2))
  }

  /** Throws SuffixError for a set that is none. */
  explain({ ids, signatures, sketched, ...answer }: AnswerQuestion): ExplainedAnswer {
    const { set, missing } = this.#set(ids)
    const isPrivate = isSealed(answer.prompt)
    const made = sketched && this.#sketch(sketched, answer, isPrivate)
    const tokenizer = isPrivate ? undefined : (set ?? [])[0]?.record.tokenizerHash
    const tokenBytes = tokenizer && this.#tokenizers.get(tokenizer)
    const explained = explainAnswer({
      ...answer,
      ...{ set, signatureOf: (contribId: bigint) => signatures.get(contribId) },
      sketch: sketched && { source: sketched, made: typeof made === 'string' ? undefined : made },
      tokenBytes,
    })
    if (typeof made === 'string') missing.push(made)
    const hasWords = explained.spans.length + explained.citations.length > 0
    if (hasWords && tokenizer !== undefined && tokenBytes === undefined) missing.push(missingTokenizer(tokenizer))
    return { ...explained, isPrivate, missing }
  }

  close(): void {
    this.#indexes.close()
  }

  #set(ids: readonly Hex[]): { readonly set: SuffixIndex[] | undefined; readonly missing: string[] } {
    const set = ids.flatMap((id) => this.#indexes.get(id) ?? [])
    if (set.length === ids.length) return { set, missing: [] }
    const missing = ids.filter((id) => set.every((index) => index.id !== id))
    return { set: undefined, missing: missing.map(missingIndex) }
  }

  /** Rows and query sketch, or why there are none. */
  #sketch(source: SketchSource, { prompt, output }: Pick<AnswerQuestion, 'prompt' | 'output'>, isPrivate: boolean) {
    // The query of sealed tokens is all zeros: no row has anything of it.
    if (isPrivate) return { rows: [], query: new Int8Array(source.size) }
    try {
      const { table, query } = this.#queries.sketch(source, { prompt, output })
      return { rows: table.rows, query }
    } catch (error) {
      if (error instanceof IndexError && error.code === 'no-file') return missingSketch(error.message, source)
      throw error
    }
  }
}

function missingIndex(id: Hex): string {
  return `the index ${id} is not in --indexes: nodes that have it serve it at /content/${id} of the rollup RPC, and openledger index build makes it of its Datanet version`
}

function missingTokenizer(hash: Hex): string {
  return `the tokenizer ${hash} is in no model (.olm) of --models: words are shown by their tokens alone`
}

/** `why`: what the maker of queries found missing. */
function missingSketch(why: string, { table, adapter, model }: SketchSource): string {
  const named = adapter === zeroHash ? 'the adapter that the table names' : `the adapter ${adapter}`
  return `${why}: class G needs the table of influences ${table} (.olt), ${named} (.ola) and the model ${model} (.olm) in --models; nodes that have the first two serve them at /content/ROOT of the rollup RPC`
}
