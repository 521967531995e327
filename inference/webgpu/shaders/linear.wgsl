// §5.3: a workgroup for 8 rows and 4 vectors, 8 threads a row. `base` is where the row scales stand behind the weights.
// With a weight (§5.9) the outcome is added to what stands at `y`.
var<workgroup> partial: array<vec4i, 64>;

// Four weights times the i-th four elements of a quantised vector of `words` fours.
fn dotFour(weight: u32, vector: u32, words: u32, i: u32) -> i32 {
  if (INPUT_MAX <= 127u) { return dot4I8Packed(weight, u32(ws[p.x + vector * words + i])); }
  let place = p.x + 2u * (vector * words + i);
  let low = ws[place];
  let high = ws[place + 1u];
  let w = i32(weight);
  return extractBits(w, 0u, 8u) * extractBits(low, 0u, 16u) + extractBits(w, 8u, 8u) * extractBits(low, 16u, 16u)
    + extractBits(w, 16u, 8u) * extractBits(high, 0u, 16u) + extractBits(w, 24u, 8u) * extractBits(high, 16u, 16u);
}

@compute @workgroup_size(64)
fn linear(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let lane = local.x % 8u;
  let row = group.x * 8u + local.x / 8u;
  let token = group.y * 4u;
  let words = p.columns / 4u;
  var sum = vec4i(0, 0, 0, 0);
  if (row < p.n) {
    for (var i = lane; i < words; i += 8u) {
      let w = u32(weights[row * words + i]);
      for (var t = 0u; t < 4u; t++) {
        if (token + t < p.count) { sum[t] += dotFour(w, token + t, words, i); }
      }
    }
  }
  partial[local.x] = sum;
  workgroupBarrier();
  if (row >= p.n || lane >= 4u || token + lane >= p.count) { return; }
  var accumulator = 0;
  for (var i = 0u; i < 8u; i++) { accumulator += partial[local.x - lane + i][lane]; }
  let vector = token + lane;
  ws[p.accumulators + vector * p.stride + row] = accumulator;
  let scale = u32(weights[p.base + row]);
  let mantissa = ws[p.scale + 2u * vector];
  let value = dequantised(accumulator, scale, mantissa, u32(ws[p.scale + 2u * vector + 1u]));
  let at = p.y + vector * p.n + row;
  if (p.weight == NO_WEIGHT) {
    ws[at] = value;
  } else {
    let delta = rsh64(mul64(wide(value), vec2u(p.weight, 0u)), 16u);
    ws[at] = saturate64(add64(wide(ws[at]), delta), MAX32);
  }
}
