import { FormatError } from '../protocol/bytes.ts'

/** Inputs of linears of 8 bits, and of 11: what the latter round off is lost beside what int8 weights do. */
export const narrowInput = 127
export const wideInput = 1023
export type InputMax = typeof narrowInput | typeof wideInput
/** Most columns of a linear with wide inputs: its accumulators stay below 2^30. */
export const wideColumnsMax = 2 ** 13

/** Shape of a model of the Llama family and the constants of its integer form. docs/canonical-inference.md §4. */
export type ModelConfig = {
  /** Largest magnitude of an element of a linear's input: {@link narrowInput} in format 1, {@link wideInput} in format 2. */
  readonly inputMax: InputMax
  readonly vocab: number
  /** Width of the residual stream. */
  readonly dim: number
  readonly layers: number
  readonly heads: number
  /** Heads of keys and values; divides `heads`. */
  readonly kvHeads: number
  readonly headDim: number
  /** Width of the feed-forward part. */
  readonly ffnDim: number
  /** Most positions. */
  readonly context: number
  /** The head is the embedding. */
  readonly tiedHead: boolean
  /** Of every norm, in units of 2^-32. */
  readonly epsilon: number
  /** `log2(e) / √headDim` is `scoreMultiplier / 2^(scoreShift - 4)`. */
  readonly scoreMultiplier: number
  readonly scoreShift: number
  /** Token before every prompt. */
  readonly bos: number
  /** Token that ends an answer. */
  readonly eos: number
}

/** Bounds within which no intermediate of §5 overflows; each is derived in docs/canonical-inference.md §6. */
export const configLimits = {
  vocab: [2, 2 ** 18],
  dim: [16, 2 ** 14],
  layers: [1, 256],
  heads: [1, 1024],
  kvHeads: [1, 1024],
  headDim: [8, 128],
  ffnDim: [16, 2 ** 16],
  context: [1, 2 ** 15],
  epsilon: [1, 2 ** 24],
  scoreMultiplier: [1, 2 ** 15 - 1],
  scoreShift: [1, 40],
  bos: [0, 2 ** 18 - 1],
  eos: [0, 2 ** 18 - 1],
} as const satisfies Partial<Record<keyof ModelConfig, readonly [number, number]>>

const fields = [
  'vocab',
  'dim',
  'layers',
  'heads',
  'kvHeads',
  'headDim',
  'ffnDim',
  'context',
  'epsilon',
  'scoreMultiplier',
  'scoreShift',
  'bos',
  'eos',
] as const

/** Bytes of an encoded config: format version, the fields above and the head's kind, u32 each, big-endian. */
export const configBytes = 4 * (fields.length + 2)
/** Largest input of each format version, from 1 on. */
const inputOfVersion = [narrowInput, wideInput] as const

/** Throws {@link FormatError} for a config outside the limits. */
export function checkConfig(config: ModelConfig): void {
  for (const field of fields) {
    const [value, [min, max]] = [config[field], configLimits[field]]
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new FormatError(`model config: ${field} is ${value}, must be ${min} to ${max}`)
    }
  }
  const { dim, ffnDim, heads, kvHeads, headDim, vocab, bos, eos } = config
  if (dim % 16 !== 0 || ffnDim % 16 !== 0 || headDim % 8 !== 0 || (heads * headDim) % 16 !== 0) {
    throw new FormatError('model config: dim, ffnDim and heads·headDim must be multiples of 16, headDim of 8')
  }
  if (heads % kvHeads !== 0) throw new FormatError(`model config: ${kvHeads} kvHeads do not divide ${heads} heads`)
  if (heads * headDim > configLimits.dim[1]) throw new FormatError('model config: heads·headDim exceeds 16384')
  if (headDim * config.scoreMultiplier > 2 ** (config.scoreShift + 1)) {
    throw new FormatError('model config: scores would exceed 32 bits')
  }
  if (inputOfVersion.indexOf(config.inputMax) < 0) {
    throw new FormatError(`model config: inputMax is ${config.inputMax}, must be ${inputOfVersion.join(' or ')}`)
  }
  if (config.inputMax === wideInput && !fitsWideInput(config)) {
    throw new FormatError(`model config: format 2 has linears of at most ${wideColumnsMax} columns`)
  }
  if (bos >= vocab || eos >= vocab) throw new FormatError('model config: bos and eos must be tokens')
}

/** Whether format 2 has room for the model's linears. */
export function fitsWideInput({ dim, ffnDim, heads, headDim }: Omit<ModelConfig, 'inputMax'>): boolean {
  return Math.max(dim, ffnDim, heads * headDim) <= wideColumnsMax
}

export function encodeConfig(config: ModelConfig): Uint8Array {
  checkConfig(config)
  const view = new DataView(new ArrayBuffer(configBytes))
  const values = [
    1 + inputOfVersion.indexOf(config.inputMax),
    ...fields.map((field) => config[field]),
    config.tiedHead ? 1 : 0,
  ]
  for (const [i, value] of values.entries()) view.setUint32(4 * i, value)
  return new Uint8Array(view.buffer)
}

export function decodeConfig(bytes: Uint8Array): ModelConfig {
  if (bytes.length !== configBytes) throw new FormatError(`model config of ${bytes.length} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const version = view.getUint32(0)
  const inputMax = inputOfVersion[version - 1]
  if (inputMax === undefined) throw new FormatError(`model format ${version} is unknown`)
  const tied = view.getUint32(configBytes - 4)
  if (tied > 1) throw new FormatError(`model config: tiedHead is ${tied}`)
  const field = (name: (typeof fields)[number]) => view.getUint32(4 * (1 + fields.indexOf(name)))
  const config: ModelConfig = {
    inputMax,
    vocab: field('vocab'),
    dim: field('dim'),
    layers: field('layers'),
    heads: field('heads'),
    kvHeads: field('kvHeads'),
    headDim: field('headDim'),
    ffnDim: field('ffnDim'),
    context: field('context'),
    tiedHead: tied === 1,
    epsilon: field('epsilon'),
    scoreMultiplier: field('scoreMultiplier'),
    scoreShift: field('scoreShift'),
    bos: field('bos'),
    eos: field('eos'),
  }
  checkConfig(config)
  return config
}

/** Positions of one attention tile: its keys and values fit 32 KiB. */
export function tilePositions({ headDim }: ModelConfig): number {
  return Math.min(128, 8 * Math.floor(1024 / headDim))
}

/** `log2(e) / √headDim` as a multiplier of 15 bits and a shift from a Q20 score to Q16. */
export function scoreScale(headDim: number): { scoreMultiplier: number; scoreShift: number } {
  const scale = Math.LOG2E / Math.sqrt(headDim)
  const bits = 14 - Math.floor(Math.log2(scale))
  return { scoreMultiplier: Math.min(Math.round(scale * 2 ** bits), 2 ** 15 - 1), scoreShift: bits + 4 }
}
