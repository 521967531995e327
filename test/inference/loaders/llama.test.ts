import { describe, expect, test } from 'vitest'
import { convertFrame, convertLayers } from '../../../inference/float/convert.ts'
import type { FloatModel, FloatSource } from '../../../inference/float/float-model.ts'
import { compareQuality } from '../../../inference/float/quality.ts'
import { Fields } from '../../../inference/loaders/fields.ts'
import { readGguf } from '../../../inference/loaders/gguf.ts'
import { ggufLlama } from '../../../inference/loaders/gguf-llama.ts'
import { ggufTokenizer } from '../../../inference/loaders/gguf-tokenizer.ts'
import { hfLlama } from '../../../inference/loaders/hf-llama.ts'
import { hfTokenizer } from '../../../inference/loaders/hf-tokenizer.ts'
import { LoadError } from '../../../inference/loaders/load-error.ts'
import { readSafetensors, readShards } from '../../../inference/loaders/safetensors.ts'
import { Oracle } from '../../../inference/oracle.ts'
import { readTokenizer } from '../../../inference/tokenizer/model-tokenizer.ts'
import { FormatError } from '../../../protocol/bytes.ts'
import {
  checkpointTokens,
  ggufCheckpoint,
  ggufMetadata,
  hfCheckpoint,
  hfTokenizerJson,
  llama2Vocabulary,
} from '../../fakes/checkpoints.ts'
import { memorySource } from '../../fakes/memory-source.ts'
import { ggufFile, ggufTensors, numbersIn } from '../../fakes/model-files.ts'
import { type RandomShape, randomFloatModel } from '../../fakes/random-float-model.ts'
import { randomNumbers } from '../../fakes/random-model.ts'

const shape: RandomShape = { vocab: 277, dim: 48, ffnDim: 80, layers: 2, heads: 4, kvHeads: 2, headDim: 16 }
const model = randomFloatModel(4, true, shape)

function openHf(files: ReadonlyMap<string, Uint8Array>, contextMax = 64): FloatSource {
  const bytes = (file: string) => files.get(file) ?? new Uint8Array()
  const json = (file: string) => Fields.ofJson(file, new TextDecoder().decode(bytes(file)))
  const open = (file: string) => memorySource(bytes(file), file)
  const index = 'model.safetensors.index.json'
  return hfLlama({
    config: json('config.json'),
    contextMax,
    tensors: files.has(index) ? readShards(json(index), open) : readSafetensors(open('model.safetensors')),
    tokenizer: (vocab) => ({ section: hfTokenizer(json('tokenizer.json'), vocab).section, eos: undefined }),
  })
}

function openGguf(file: Uint8Array, contextMax = 64): FloatSource {
  return ggufLlama(readGguf(memorySource(file, 'x.gguf')), contextMax)
}

function parts(source: FloatSource): Omit<FloatModel, 'config' | 'tokenizer'> {
  const head = source.head()
  return {
    embedding: source.embedding(),
    layers: Array.from({ length: source.shape.layers }, (_, i) => source.layer(i)),
    finalNorm: source.finalNorm(),
    ...(head === undefined ? {} : { head }),
  }
}

describe('checkpoints of the Llama family', () => {
  test.each([
    ['of F32', 'F32', 1, true, shape],
    ['with a head of its own', 'F32', 1, false, shape],
    ['of F32 in three files', 'F32', 3, true, shape],
    ['with as many key heads as heads', 'F32', 1, true, { ...shape, kvHeads: 4 }],
    ['with one key head', 'F32', 2, false, { ...shape, kvHeads: 1, headDim: 24 }],
  ] as const)('a HF one %s gives its numbers', (_, type, shards, tied, size) => {
    const written = randomFloatModel(5, tied, size)
    const source = openHf(hfCheckpoint(written, type, shards))
    expect(parts(source)).toEqual(parts(openGguf(ggufCheckpoint(written))))
    const { config, tokenizer, ...weights } = written
    expect(parts(source)).toEqual(weights)
    expect(source.config).toEqual(config)
    expect(source.shape).toEqual({ vocab: 277, dim: 48, ffnDim: 80, layers: 2, tiedHead: tied })
    expect(tokenizer.length).toBe(0)
  })

  test.each(['F16', 'BF16'] as const)('a HF one of %s gives its numbers rounded', (type) => {
    const rounded = parts(openHf(hfCheckpoint(model, type))).layers[1]?.down.weights ?? new Float32Array()
    expect(numbersIn(type, rounded)).toEqual(numbersIn(type, model.layers[1]?.down.weights ?? new Float32Array()))
  })

  test.each([
    ['HF', 11, true, { ...shape, heads: 6, kvHeads: 3, headDim: 8 }],
    ['HF', 12, false, { ...shape, vocab: 301, kvHeads: 4 }],
    ['GGUF', 13, true, { ...shape, dim: 64, ffnDim: 176, layers: 3, kvHeads: 1 }],
    ['GGUF', 14, false, { ...shape, headDim: 32 }],
  ] as const)(
    'a %s one not seen before (%d) becomes an integer model that keeps its answers',
    (kind, seed, tied, size) => {
      const written = randomFloatModel(seed, tied, size)
      const source = kind === 'HF' ? openHf(hfCheckpoint(written, 'BF16', 2)) : openGguf(ggufCheckpoint(written))
      const random = randomNumbers(seed)
      const tokens = (count: number) => Array.from({ length: count }, () => Math.floor(random() * checkpointTokens))
      const layers = [...convertLayers(source, tokens(64))]
      const quality = compareQuality(source, new Oracle({ ...convertFrame(source), layers }), tokens(48))
      expect(Math.abs(quality.integerPerplexity / quality.floatPerplexity - 1)).toBeLessThan(0.02)
      expect(quality.argmaxAgreement).toBeGreaterThan(0.9)
      expect(quality.divergence).toBeLessThan(0.01)
    },
  )

  test('both kinds give the same tokenizer, whose rows reach to the end of the embedding', () => {
    const [hf, gguf] = [openHf(hfCheckpoint(model, 'F32')), openGguf(ggufCheckpoint(model))]
    expect(hf.tokenizer).toEqual(gguf.tokenizer)
    const tokenizer = readTokenizer(hf.tokenizer)
    expect(tokenizer.vocab).toBe(277)
    expect(
      tokenizer.encode('in the thé').map((token) => Buffer.from(tokenizer.decode([token])).toString('latin1')),
    ).toEqual(['in', ' the', ' th', '\xc3', '\xa9'])
    expect(tokenizer.special('</s>')).toBe(1)
  })

  test.each([
    ['another family', { model_type: 'qwen2' }, 'model_type qwen2'],
    ['another activation', { hidden_act: 'gelu' }, 'hidden_act is "gelu"'],
    ['biases', { attention_bias: true }, 'attention_bias is true'],
    ['yarn', { rope_scaling: { rope_type: 'yarn', factor: 4 } }, 'rope_scaling of type yarn'],
    ['quantised weights', { quantization_config: { bits: 4 } }, 'quantization_config'],
    ['no size', { hidden_size: null }, 'hidden_size is missing'],
    ['a size that is no number', { hidden_size: '48' }, 'hidden_size is "48"'],
    ['a size that tensors do not have', { intermediate_size: 96 }, 'must be 96 × 48'],
    ['a size the canonical model lacks', { head_dim: 12 }, 'multiples of'],
    ['more layers', { num_hidden_layers: 3 }, 'model.layers.2.input_layernorm.weight is missing'],
    ['fewer layers', { num_hidden_layers: 1 }, 'is no tensor of a Llama without biases'],
    ['a head of its own that is missing', { tie_word_embeddings: false }, 'lm_head.weight is missing'],
    ['fewer rows than tokens', { vocab_size: 200 }, 'tokens, the embedding has 200 rows'],
    ['a vocabulary without end', { vocab_size: 2 ** 40 }, 'vocab_size is 1099511627776'],
    ['heads without end', { head_dim: 2 ** 40 }, 'head_dim is 1099511627776'],
    ['a rotary base of 0', { rope_theta: 0 }, 'rotary base or scaling turns pair 1'],
    ['a negative rotary base', { rope_theta: -1 }, 'rotary base or scaling turns pair 1'],
    ['a scaling by 0', { rope_scaling: { type: 'linear', factor: 0 } }, 'rotary base or scaling turns pair 0'],
    ['a scaling backwards', { rope_scaling: { type: 'linear', factor: -2 } }, 'rotary base or scaling turns pair 0'],
    ['a negative epsilon', { rms_norm_eps: -1e-5 }, "norms' epsilon is -0.00001"],
  ] as const)('a HF config with %s is refused by name', (_, change, message) => {
    const open = () => openHf(hfCheckpoint(model, 'F32', 1, change))
    expect(open).toThrow(message)
    try {
      open()
    } catch (error) {
      expect(error instanceof LoadError || error instanceof FormatError).toBe(true)
    }
  })

  test.each([
    ['another family', { 'general.architecture': 'gemma' }, 'general.architecture gemma'],
    ['experts', { 'llama.expert_count': 8 }, 'llama.expert_count is 8'],
    ['yarn', { 'llama.rope.scaling.type': 'yarn' }, 'llama.rope.scaling.type is "yarn"'],
    ['half a rotation', { 'llama.rope.dimension_count': 8 }, 'llama.rope.dimension_count is 8'],
    ['a WordPiece vocabulary', { 'tokenizer.ggml.model': 'bert' }, 'tokenizer.ggml.model bert'],
    [
      'a SentencePiece vocabulary without scores',
      { 'tokenizer.ggml.model': 'llama' },
      'tokenizer.ggml.scores is missing',
    ],
    ['an unknown rule', { 'tokenizer.ggml.pre': 'tekken' }, 'tokenizer.ggml.pre tekken'],
    ['a rotary base of 0', { 'llama.rope.freq_base': 0 }, 'rotary base or scaling turns pair 1'],
    ['a negative epsilon', { 'llama.attention.layer_norm_rms_epsilon': -0.5 }, "norms' epsilon is -0.5"],
    ['types of other tokens', { 'tokenizer.ggml.token_type': [1, 1] }, '2 types'],
    ['a merge of nothing', { 'tokenizer.ggml.merges': ['t h', 'qq q'] }, 'merge 1 joins no tokens'],
  ] as const)('a GGUF with %s is refused by name', (_, change, message) => {
    expect(() => openGguf(ggufCheckpoint(model, change))).toThrow(LoadError)
    expect(() => openGguf(ggufCheckpoint(model, change))).toThrow(message)
  })

  test.each([
    ['a normalizer', { normalizer: { type: 'NFC' } }, {}, 'normalizer {"type":"NFC"}'],
    ['another pre-tokenizer', { pre_tokenizer: { type: 'Whitespace' } }, {}, 'pre_tokenizer {"type":"Whitespace"}'],
    ['another model', {}, { type: 'Unigram' }, 'type is "Unigram"'],
    ['tokens for unknown bytes', {}, { byte_fallback: true }, 'byte_fallback with another normalizer'],
    ['dropout', {}, { dropout: 0.1 }, 'dropout is 0.1'],
  ] as const)('a tokenizer with %s is refused by name', (_, change, modelChange, message) => {
    const json = Fields.of('tokenizer.json', hfTokenizerJson(change, modelChange))
    expect(() => hfTokenizer(json, 277)).toThrow(LoadError)
    expect(() => hfTokenizer(json, 277)).toThrow(message)
  })

  test("Llama 2's vocabulary gives the same tokenizer from its merges and from its scores", () => {
    const { texts, json, metadata } = llama2Vocabulary
    const hf = hfTokenizer(Fields.of('tokenizer.json', json), 300).section
    expect(ggufTokenizer(Fields.of('x.gguf', metadata), 300)).toEqual(hf)
    const tokenizer = readTokenizer(hf)
    const marked = tokenizer.encode('the én').map((token) => texts[token])
    expect(marked).toEqual(['\u2581the', '\u2581', '<0xC3>', '<0xA9>', 'n'])
    const types = metadata['tokenizer.ggml.token_type'].with(2, 3)
    const fewer = Fields.of('x.gguf', { ...metadata, 'tokenizer.ggml.token_type': types })
    expect(() => ggufTokenizer(fewer, 300)).toThrow('not every byte has a token')
  })

  test('scaled rotary positions: linear by the factor, Llama 3 by wavelength, in both kinds', () => {
    const frequencies = (change: object) => openHf(hfCheckpoint(model, 'F32', 1, { ...change })).config.frequencies
    expect(frequencies({ rope_scaling: { type: 'linear', factor: 4 } })?.[1]).toBeCloseTo(10_000 ** (-1 / 8) / 4, 12)
    expect(frequencies({ rope_parameters: { rope_type: 'default', rope_theta: 50 } })).toBeUndefined()
    // Wavelengths of theta 10,000 and 16 numbers a head are 2π·(1, 3.16, 10, … 3,162); 4 and 1 turns in 64 positions are 16 and 64.
    const llama3 = {
      rope_type: 'llama3',
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 64,
    }
    const scaled = frequencies({ rope_scaling: llama3 }) ?? new Float64Array()
    const plain = Float64Array.from({ length: 8 }, (_, i) => 10_000 ** (-i / 8))
    expect(scaled[0]).toBe(plain[0])
    const blend = ((64 * (plain[1] ?? 0)) / (2 * Math.PI) - 1) / 3
    expect(scaled[1]).toBeCloseTo((plain[1] ?? 0) * (blend + (1 - blend) / 8), 12)
    for (let i = 2; i < 8; i++)
      expect(scaled[i]).toBeCloseTo((plain[i] ?? 0) / (i === 2 ? scale(plain[2] ?? 0) : 8), 12)
    const factors = Float32Array.from({ length: 8 }, (_, i) => i + 1)
    const tensors = [
      { name: 'rope_freqs.weight', shape: [8], type: 0, bytes: numbersIn('F32', factors) },
      ...ggufTensors(model),
    ]
    const gguf = openGguf(ggufFile(ggufMetadata(model), tensors)).config.frequencies
    expect(gguf).toEqual(plain.map((frequency, i) => frequency / (i + 1)))
  })
})

/** What Llama 3 divides a frequency between the two bounds by. */
function scale(frequency: number): number {
  const blend = Math.max(0, ((64 * frequency) / (2 * Math.PI) - 1) / 3)
  return 1 / (blend + (1 - blend) / 8)
}
