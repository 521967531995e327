import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Adapter } from '../../../inference/adapter/adapter.ts'
import { adapterRoot, decodeAdapter } from '../../../inference/adapter/adapter-file.ts'
import { plantedCopies } from '../../../scripts/attribution-quality/copies.ts'
import { type Corpus, readCorpus } from '../../../scripts/attribution-quality/corpus.ts'
import { evaluate } from '../../../scripts/attribution-quality/evaluate.ts'
import { qualityAdapterFile, readQuality } from '../../../scripts/attribution-quality/fixture.ts'
import { bm25, classG, gradientsOf, spans } from '../../../scripts/attribution-quality/methods.ts'
import { auc, bootstrap, linearScore, spearman } from '../../../scripts/attribution-quality/metrics.ts'
import { dataRootOf } from '../../../worker/trainer/training-texts.ts'

const fixture = readQuality()

describe('quality of attribution, on retrained subsets', () => {
  const report = evaluate(fixture)
  const corpus = readCorpus()

  test('class G ranks what retraining does, and finds whose text an answer is like', () => {
    expect(fixture.subsets.length).toBeGreaterThanOrEqual(30)
    expect(report.methods['classG']?.lds.value).toBeGreaterThanOrEqual(0.4)
    expect(report.methods['classG']?.auc.value).toBeGreaterThanOrEqual(0.75)
  })

  test('with spans or BM25 it is at least as good as either alone, weights chosen on the other half', () => {
    for (const { value, alone } of [report.withSpans, report.withBm25]) {
      expect(value).toBeGreaterThanOrEqual(Math.max(...alone))
    }
  })

  test('wrong labels rank at the bottom', () => {
    expect(fixture.labels.flipped.length * 5).toBe(fixture.labels.classG.length)
    expect(report.labels.classG).toBeGreaterThanOrEqual(0.8)
  })

  test('texts, adapter and the scores by words are those of the fixture', () => {
    expect(dataRootOf(corpus.examples)).toBe(fixture.data)
    expect(adapterRoot(adapterOf(corpus))).toBe(fixture.adapter)
    expect(bm25(corpus)).toEqual(fixture.scores['bm25'])
    expect(spans(corpus)).toEqual(fixture.scores['spans'])
  }, 60_000)

  test('whose text an answer copies gets 90 % of the spans that the copy made, and of all where nobody wrote the rest', () => {
    const { planted, plantedPassage, plantedAlone, plantedAloneShort } = plantedCopies(corpus)
    for (const { atLeast90 } of [plantedPassage, plantedAlone, plantedAloneShort]) expect(atLeast90).toBe(1)
    expect(planted.share).toBeGreaterThanOrEqual(0.9)
  })

  // Gradients of all texts are ten seconds of a core.
  test.runIf(process.env['OPENLEDGER_FUZZ'] !== undefined)(
    'the scores of class G are those of the fixture',
    () => {
      const adapter = adapterOf(corpus)
      expect(classG(corpus, adapter, gradientsOf(corpus, adapter))).toEqual(fixture.scores['classG'])
    },
    300_000,
  )
})

function adapterOf({ root, model }: Corpus): Adapter {
  return decodeAdapter(new Uint8Array(readFileSync(qualityAdapterFile)), { root, config: model.config })
}

describe('metrics', () => {
  test('Spearman goes by ranks, equal values sharing theirs', () => {
    expect(spearman([1, 2, 3], [10, 100, 1000])).toBe(1)
    expect(spearman([1, 2, 3], [3, 2, 1])).toBe(-1)
    expect(spearman([1, 1, 2, 2], [1, 1, 2, 2])).toBeCloseTo(1)
    expect(spearman([1, 2, 2, 3], [1, 3, 2, 4])).toBeCloseTo(0.9487, 4)
    expect(spearman([1, 1], [1, 2])).toBe(0)
  })

  test('AUC counts pairs, equal ones half', () => {
    expect(auc([3, 2, 1], (i) => i === 0)).toBe(1)
    expect(auc([1, 1, 1], (i) => i === 0)).toBe(0.5)
    expect(auc([1, 2, 3, 0], (i) => i < 2)).toBe(0.5)
  })

  test('scores that foretell the losses have a linear score of 1, and a bootstrap that is', () => {
    const subsets = [[0], [1], [0, 1], []].map((subset) => ({
      subset,
      losses: [-subset.reduce((s, c) => s + c + 1, 0)],
    }))
    expect(linearScore([[1, 2]], subsets, [0])).toBe(1)
    expect(linearScore([[-1, -2]], subsets, [0])).toBe(-1)
    expect(bootstrap([4, 1], () => 7)).toEqual([7, 7])
  })
})
