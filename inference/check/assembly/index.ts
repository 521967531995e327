export { embed, multiply } from '../../wasm/assembly/linear.ts'
export { attendHeads, cacheValues, measureKeys, rotate } from './attention.ts'
export { addRows, addWeighted, argmax, dequantiseRows, norms, quantiseRows, swiGluRows, widen } from './elementwise.ts'
export { accumulate, dotInputs, dotRows, pairRows, residues } from './field.ts'
