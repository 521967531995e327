// §5.3: a vector of the embedding. `y` is where the tokens stand, a thread per element.
@compute @workgroup_size(64) fn embed(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= p.n * p.count) { return; }
  let token = u32(ws[p.y + id.x / p.n]);
  let at = token * p.n + id.x % p.n;
  let weight = extractBits(weights[at / 4u], (at % 4u) * 8u, 8u);
  let scale = u32(weights[p.base + token]);
  let product = mul64(wide(weight), vec2u((scale >> 8u) << 16u, 0u));
  ws[p.out + id.x] = saturate64(rsh64(product, scale & 255u), MAX32);
}

// §5.1: a workgroup per vector.
@compute @workgroup_size(64)
fn norm(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let lane = local.x;
  let x = p.x + group.x * p.n;
  let top = bits(topOf(x, p.n, lane));
  let shift = select(0u, top - 22u, top > 22u);
  var squares = vec2u(0u, 0u);
  for (var i = lane; i < p.n; i += 64u) {
    let value = magnitude(i32(rsh64(wide(ws[x + i]), shift).x));
    squares = add64(squares, mulWide(value, value));
  }
  sums[lane] = squares;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half /= 2u) {
    if (lane < half) { sums[lane] = add64(sums[lane], sums[lane + half]); }
    workgroupBarrier();
  }
  if (lane == 0u) {
    let mean = add64(divide(sums[0], vec2u(p.n, 0u)).q, vec2u(EPSILON >> (2u * shift), 0u));
    sums[64] = roundDivide(vec2u(0u, 16384u), vec2u(root64(shl64(mean, 16u)), 0u));
  }
  workgroupBarrier();
  let reciprocal = sums[64];
  for (var i = lane; i < p.n; i += 64u) {
    let value = rsh64(wide(ws[x + i]), shift);
    let scaled = rsh64(mul64(value, reciprocal), 22u);
    ws[p.out + group.x * p.n + i] = saturate64(rsh64(mul64(scaled, wide(weights[p.base + i])), 16u), MAX32);
  }
}

// §5.2: a workgroup per vector; four int8 to a word, or two int16 where inputs are wide.
@compute @workgroup_size(64)
fn quantise(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let lane = local.x;
  let x = p.x + group.x * p.n;
  let top = topOf(x, p.n, lane);
  let exponent = select(0u, bits(top) - 15u, bits(top) > 15u);
  let mantissa = (top + ((1u << exponent) - 1u)) >> exponent;
  var reciprocal = vec2u(0u, 0u);
  if (top > 0u) { reciprocal = roundDivide(shl64(vec2u(INPUT_MAX, 0u), 22u), vec2u(mantissa, 0u)); }
  if (lane == 0u) {
    ws[p.scale + 2u * group.x] = i32(mantissa);
    ws[p.scale + 2u * group.x + 1u] = i32(exponent);
  }
  let perWord = select(2u, 4u, INPUT_MAX <= 127u);
  let width = 32u / perWord;
  for (var word = lane; word < p.n / perWord; word += 64u) {
    var packed = 0u;
    for (var i = 0u; i < perWord; i++) {
      let product = mul64(wide(ws[x + perWord * word + i]), reciprocal);
      let value = saturate64(rsh64(product, 22u + exponent), i32(INPUT_MAX));
      packed = insertBits(packed, u32(value), width * i, width);
    }
    ws[p.out + group.x * (p.n / perWord) + word] = i32(packed);
  }
}

// §5.7: a thread per element.
@compute @workgroup_size(64) fn swiGlu(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= p.n * p.count) { return; }
  let gate = ws[p.x + id.x];
  let silu = rsh64(mul64(wide(gate), wide(sigmoid(gate))), 16u);
  ws[p.out + id.x] = saturate64(rsh64(mul64(silu, wide(ws[p.y + id.x])), 16u), MAX32);
}

// The residual stream: a thread per element.
@compute @workgroup_size(64) fn add(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= p.n * p.count) { return; }
  ws[p.out + id.x] = saturate64(add64(wide(ws[p.x + id.x]), wide(ws[p.y + id.x])), MAX32);
}
