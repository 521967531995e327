import { adapterRoot } from '../../inference/adapter/adapter-file.ts'
import { Trainer } from '../../worker/trainer/trainer.ts'
import { dataRootOf } from '../../worker/trainer/training-texts.ts'
import { type CopyQuality, copies } from '../attribution-quality/copies.ts'
import { type Corpus, parametersFor, readCorpus } from '../attribution-quality/corpus.ts'
import { evaluate, type QualityReport } from '../attribution-quality/evaluate.ts'
import { readQuality } from '../attribution-quality/fixture.ts'

export type QualityBench = QualityReport & {
  readonly subsets: number
  readonly queries: number
  readonly copies: CopyQuality
  /** The adapter that was trained here is the fixture's, bit by bit; null in a quick run, which trains none. */
  readonly sameAdapter: boolean | null
}

/** Figures of docs/attribution-quality.md from the frozen fixture. */
export async function benchQuality({ quick }: { readonly quick: boolean }): Promise<QualityBench> {
  const fixture = readQuality()
  const corpus = readCorpus()
  return {
    ...evaluate(fixture),
    subsets: fixture.subsets.length,
    queries: fixture.authors.length,
    copies: copies(corpus),
    sameAdapter: quick ? null : adapterOf(corpus) === fixture.adapter,
  }
}

function adapterOf({ model, root, examples }: Corpus): string {
  const trainer = new Trainer(parametersFor(examples), { model, root, examples, dataRoot: dataRootOf(examples) })
  while (!trainer.isDone) trainer.next()
  return adapterRoot(trainer.adapter())
}
