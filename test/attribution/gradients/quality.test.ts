import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { adapterRoot, decodeAdapter } from '../../../inference/adapter/adapter-file.ts'
import { readCorpus } from '../../../scripts/attribution-quality/corpus.ts'
import { evaluate } from '../../../scripts/attribution-quality/evaluate.ts'
import { qualityAdapterFile, readQuality } from '../../../scripts/attribution-quality/fixture.ts'
import { bm25, classG, gradientsOf, spans } from '../../../scripts/attribution-quality/methods.ts'
import { auc, bootstrap, linearScore, spearman } from '../../../scripts/attribution-quality/metrics.ts'
import { dataRootOf } from '../../../worker/trainer/training-texts.ts'

const fixture = readQuality()

describe('quality of attribution, on retrained subsets', () => {
  const report = evaluate(fixture)

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

  test('the scores of the fixture are those that its texts and adapter give', () => {
    const corpus = readCorpus()
    expect(dataRootOf(corpus.examples)).toBe(fixture.data)
    const base = { root: corpus.root, config: corpus.model.config }
    const adapter = decodeAdapter(new Uint8Array(readFileSync(qualityAdapterFile)), base)
    expect(adapterRoot(adapter)).toBe(fixture.adapter)
    expect(bm25(corpus)).toEqual(fixture.scores['bm25'])
    expect(spans(corpus)).toEqual(fixture.scores['spans'])
    const asked = { ...corpus, queries: corpus.queries.slice(0, 4) }
    expect(classG(asked, adapter, gradientsOf(asked, adapter))).toEqual(fixture.scores['classG']?.slice(0, 4))
  }, 180_000)
})

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
