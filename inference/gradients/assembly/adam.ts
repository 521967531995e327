/**
 * One step of AdamW (Loshchilov and Hutter, 2019) over n weights; `correct1` and `correct2` are 1 − β^t. All in doubles but what
 * is stored.
 */
export function adamStep(
  weights: usize,
  gradients: usize,
  first: usize,
  second: usize,
  n: i32,
  rate: f64,
  beta1: f64,
  beta2: f64,
  correct1: f64,
  correct2: f64,
  epsilon: f64,
  decay: f64,
): void {
  for (let i = 0; i < n; i++) {
    const at = <usize>i << 2
    const g = <f64>load<f32>(gradients + at)
    const m = <f32>(beta1 * <f64>load<f32>(first + at) + (1.0 - beta1) * g)
    const v = <f32>(beta2 * <f64>load<f32>(second + at) + (1.0 - beta2) * g * g)
    store<f32>(first + at, m)
    store<f32>(second + at, v)
    const unit = <f64>m / correct1 / (sqrt<f64>(<f64>v / correct2) + epsilon)
    const w = <f64>load<f32>(weights + at)
    store<f32>(weights + at, <f32>(w - rate * (unit + decay * w)))
  }
}
