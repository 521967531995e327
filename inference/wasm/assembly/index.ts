export { attend, join } from './attention'
export { add, narrow, rmsNorm, rope, swiGlu } from './elementwise'
export { dequantise, embed, multiply, quantise } from './linear'
