export { attend, join } from './attention'
export { add, narrow, rmsNorm, rope, swiGlu } from './elementwise'
export { addDequantised, dequantise, embed, multiply, quantise } from './linear'
