import type { Fields } from './fields.ts'
import { LoadError } from './load-error.ts'

/** Radians by which each rotary pair turns a position, as `rope_scaling` of a HF config says; undefined where it says nothing. */
export function scaledFrequencies(scaling: Fields, headDim: number, theta: number): Float64Array | undefined {
  const type = scaling.text('rope_type', scaling.text('type', 'default'))
  const plain = Float64Array.from({ length: headDim / 2 }, (_, i) => theta ** ((-2 * i) / headDim))
  if (type === 'default') return undefined
  const factor = scaling.number('factor')
  if (type === 'linear') return plain.map((frequency) => frequency / factor)
  if (type !== 'llama3') {
    throw new LoadError('unsupported', `rope_scaling of type ${type}; default, linear and llama3 are supported`)
  }
  return llama3(plain, factor, scaling)
}

/** Llama 3.1: slow pairs are slowed by the factor, quick ones stay, those between are blended by their wavelength. */
function llama3(plain: Float64Array, factor: number, scaling: Fields): Float64Array {
  const [low, high] = [scaling.number('low_freq_factor'), scaling.number('high_freq_factor')]
  const original = scaling.number('original_max_position_embeddings')
  return plain.map((frequency) => {
    const turns = (original * frequency) / (2 * Math.PI)
    if (turns < low) return frequency / factor
    if (turns > high) return frequency
    const blend = (turns - low) / (high - low)
    return (1 - blend) * (frequency / factor) + blend * frequency
  })
}
