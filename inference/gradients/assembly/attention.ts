import { exp4 } from './exp-log'

/** Scores of `rows` positions, `stride` apart, become each position's probabilities over those up to it, 0 behind; in place. */
export function causalSoftmax(scores: usize, stride: i32, rows: i32, scale: f32): void {
  for (let row = 0; row < rows; row++) {
    let top = load<f32>(scores) * scale
    for (let j = 0; j <= row; j++) {
      const at = scores + (<usize>j << 2)
      const score = load<f32>(at) * scale
      store<f32>(at, score)
      top = max<f32>(top, score)
    }
    let sum: f64 = 0
    for (let j = 0; j < stride; j += 4) {
      const at = scores + (<usize>j << 2)
      v128.store(at, exp4(f32x4.sub(v128.load(at), f32x4.splat(top))))
    }
    for (let j = 0; j <= row; j++) sum += <f64>load<f32>(scores + (<usize>j << 2))
    const inverse = <f32>(1.0 / sum)
    for (let j = 0; j < stride; j++) {
      const at = scores + (<usize>j << 2)
      store<f32>(at, j <= row ? load<f32>(at) * inverse : 0)
    }
    scores += <usize>stride << 2
  }
}

/** Gradients of probabilities become those of scores before the scale; in place, 0 behind each position. */
export function softmaxBackward(probabilities: usize, gradients: usize, stride: i32, rows: i32, scale: f32): void {
  for (let row = 0; row < rows; row++) {
    let dot: f64 = 0
    for (let j = 0; j <= row; j++) {
      const at = <usize>j << 2
      dot += <f64>load<f32>(probabilities + at) * <f64>load<f32>(gradients + at)
    }
    const mean = <f32>dot
    for (let j = 0; j < stride; j++) {
      const at = <usize>j << 2
      const value = j <= row ? load<f32>(probabilities + at) * (load<f32>(gradients + at) - mean) * scale : <f32>0
      store<f32>(gradients + at, value)
    }
    probabilities += <usize>stride << 2
    gradients += <usize>stride << 2
  }
}
