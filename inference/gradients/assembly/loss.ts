import { exp4, log } from './exp-log'

/**
 * Nats of `target` among `vocab` logits, which become the gradient times `weight`; what stands behind them, up to a multiple of
 * 8, becomes 0.
 */
export function crossEntropy(logits: usize, vocab: i32, target: i32, weight: f32): f64 {
  const end = logits + (<usize>vocab << 2)
  let top = load<f32>(logits)
  for (let at = logits; at < end; at += 4) top = max<f32>(top, load<f32>(at))
  const distance = <f64>load<f32>(logits + (<usize>target << 2)) - <f64>top
  const padded = logits + (<usize>((vocab + 7) & ~7) << 2)
  const tops = f32x4.splat(top)
  for (let at = logits; at < padded; at += 16) v128.store(at, exp4(f32x4.sub(v128.load(at), tops)))
  let sum: f64 = 0
  for (let at = logits; at < end; at += 4) sum += <f64>load<f32>(at)
  const factor = <f32>((1.0 / sum) * <f64>weight)
  for (let at = logits; at < padded; at += 4) store<f32>(at, at < end ? load<f32>(at) * factor : 0)
  const at = logits + (<usize>target << 2)
  store<f32>(at, load<f32>(at) - weight)
  return log(sum) - distance
}
