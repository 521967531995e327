export { embed, multiply } from '../../wasm/assembly/linear'
export { attendHeads, cacheValues, measureKeys, rotate } from './attention'
export { addRows, addWeighted, argmax, dequantiseRows, norms, quantiseRows, swiGluRows, widen } from './elementwise'
export { accumulate, dotInputs, dotRows, pairRows, residues } from './field'
