// What a dispatch is told. Places are offsets in words.
struct Params {
  // Width of a vector, or rows of a matrix; vectors; their places.
  n: u32, count: u32, x: u32, y: u32, out: u32, scale: u32, accumulators: u32, stride: u32,
  // Columns of a matrix; adapter's weight, or none; place in the bound weights.
  columns: u32, weight: u32, base: u32,
  // Position of the first vector; layer; positions of the cache; tiles of a record.
  first: u32, layer: u32, positions: u32, tiles: u32, heads: u32,
}

const NO_WEIGHT = 0xffffffffu;

override HEADS: u32 = 1u;
override KV_HEADS: u32 = 1u;
override HEAD_DIM: u32 = 8u;
override TILE: u32 = 64u;
override MULTIPLIER: i32 = 1;
override SHIFT: u32 = 1u;
override EPSILON: u32 = 1u;
override INPUT_MAX: u32 = 127u;
// Places in the tables.
override SIGMOID: u32 = 1025u;
override COS: u32 = 0u;
override SIN: u32 = 0u;

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> ws: array<i32>;
@group(0) @binding(2) var<storage, read> weights: array<i32>;
@group(0) @binding(3) var<storage, read> tables: array<i32>;
@group(0) @binding(4) var<storage, read_write> cache: array<i32>;

var<workgroup> tops: array<u32, 64>;
var<workgroup> sums: array<vec2u, 128>;

fn magnitude(a: i32) -> u32 {
  return u32(abs(a));
}

// Largest magnitude of n words at x, by all 64 threads.
fn topOf(x: u32, n: u32, lane: u32) -> u32 {
  var top = 0u;
  for (var i = lane; i < n; i += 64u) { top = max(top, magnitude(ws[x + i])); }
  tops[lane] = top;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half /= 2u) {
    if (lane < half) { tops[lane] = max(tops[lane], tops[lane + half]); }
    workgroupBarrier();
  }
  return tops[0];
}

// §3.
fn exp2n(z: u32, shift: u32) -> i32 {
  let s = (z >> 16u) + shift;
  if (s >= 25u) { return 0; }
  let fraction = z & 65535u;
  let place = fraction >> 6u;
  let high = tables[place];
  let low = tables[place + 1u];
  let value = high - (((high - low) * i32(fraction & 63u) + 32) >> 6u);
  if (s == 0u) { return value; }
  return (value + (1 << (s - 1u))) >> s;
}

fn sigmoid(x: i32) -> i32 {
  let place = u32(clamp(x, -1048576, 1048575) + 1048576);
  let low = tables[SIGMOID + (place >> 9u)];
  let high = tables[SIGMOID + (place >> 9u) + 1u];
  return low + (((high - low) * i32(place & 511u) + 256) >> 9u);
}

// An accumulator in Q16, §5.3: `scale` is the row's, mantissa and exponent the input's.
fn dequantised(accumulator: i32, scale: u32, mantissa: i32, exponent: u32) -> i32 {
  let factor = vec2u(u32(mantissa) * (scale >> 8u), 0u);
  return saturate64(rsh64(mul64(wide(accumulator), factor), (scale & 255u) - exponent), MAX32);
}
