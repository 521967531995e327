// Where the cache has a head's keys (side 0) or values (side 1) of a position.
fn cachedAt(side: u32, head: u32, position: u32) -> u32 {
  return (((p.layer * 2u + side) * KV_HEADS + head) * p.positions + position) * HEAD_DIM;
}

fn rotated(a: i32, b: i32, c: i32, s: i32, isSecond: bool) -> i32 {
  var sum = sub64(mul64(wide(a), wide(c)), mul64(wide(b), wide(s)));
  if (isSecond) { sum = add64(mul64(wide(b), wide(c)), mul64(wide(a), wide(s))); }
  return saturate64(rsh64(sum, 20u), 32767);
}

// §5.4: a thread per element of `heads` heads: queries to `out` where n = 0, keys (n = 1) and values (n = 2) to the cache.
@compute @workgroup_size(64) fn rope(@builtin(global_invocation_id) id: vec3u) {
  let width = p.heads * HEAD_DIM;
  if (id.x >= p.count * width) { return; }
  let vector = id.x / width;
  let head = (id.x % width) / HEAD_DIM;
  let element = id.x % HEAD_DIM;
  let position = p.first + vector;
  if (p.n == 2u) {
    cache[cachedAt(1u, head, position) + element] = saturate64(rsh64(wide(ws[p.x + id.x]), 6u), 32767);
    return;
  }
  let half = HEAD_DIM / 2u;
  let pair = element % half;
  let pairAt = p.x + id.x - element + pair;
  let angle = position * half + pair;
  let value = rotated(ws[pairAt], ws[pairAt + half], tables[COS + angle], tables[SIN + angle], element >= half);
  if (p.n == 0u) { ws[p.out + id.x] = value; } else { cache[cachedAt(0u, head, position) + element] = value; }
}

fn recordAt(vector: u32, head: u32, tile: u32) -> u32 {
  return p.out + ((vector * HEADS + head) * p.tiles + tile) * (2u + 2u * HEAD_DIM);
}

var<workgroup> scores: array<i32, 128>;

// §5.5: a workgroup per vector, head and tile. A record is max, sum, then mix, low half and high half of each.
@compute @workgroup_size(128)
fn attend(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let vector = group.x / HEADS;
  let head = group.x % HEADS;
  let position = p.first + vector;
  let start = group.y * TILE;
  let isTile = start <= position;
  let n = select(0u, min(TILE, position + 1u - start), isTile);
  let kvHead = head / (HEADS / KV_HEADS);
  let lane = local.x;
  if (lane < n) {
    let query = p.x + (vector * HEADS + head) * HEAD_DIM;
    let key = cachedAt(0u, kvHead, start + lane);
    var dot = vec2u(0u, 0u);
    for (var i = 0u; i < HEAD_DIM; i++) { dot = add64(dot, wide(ws[query + i] * cache[key + i])); }
    scores[lane] = i32(rsh64(mul64(dot, wide(MULTIPLIER)), SHIFT).x);
  }
  workgroupBarrier();
  var top = -MAX32;
  for (var j = 0u; j < n; j++) { top = max(top, scores[j]); }
  workgroupBarrier();
  if (lane < n) { scores[lane] = exp2n(u32(top) - u32(scores[lane]), 9u); }
  workgroupBarrier();
  if (!isTile) { return; }
  let record = recordAt(vector, head, group.y);
  if (lane == 0u) {
    var sum = 0;
    for (var j = 0u; j < n; j++) { sum += scores[j]; }
    ws[record] = top;
    ws[record + 1u] = sum;
  }
  if (lane < HEAD_DIM) {
    var mix = vec2u(0u, 0u);
    for (var j = 0u; j < n; j++) {
      mix = add64(mix, wide(scores[j] * cache[cachedAt(1u, kvHead, start + j) + lane]));
    }
    ws[record + 2u + 2u * lane] = i32(mix.x);
    ws[record + 3u + 2u * lane] = i32(mix.y);
  }
}

// §5.6: a thread per element; `x` holds records, `y` takes the mix.
@compute @workgroup_size(64) fn join(@builtin(global_invocation_id) id: vec3u) {
  let width = HEADS * HEAD_DIM;
  if (id.x >= p.count * width) { return; }
  let vector = id.x / width;
  let head = (id.x % width) / HEAD_DIM;
  let element = id.x % HEAD_DIM;
  let count = (p.first + vector) / TILE + 1u;
  var top = ws[recordAt(vector, head, 0u)];
  for (var t = 1u; t < count; t++) { top = max(top, ws[recordAt(vector, head, t)]); }
  var sum = vec2u(0u, 0u);
  var mix = vec2u(0u, 0u);
  for (var t = 0u; t < count; t++) {
    let record = recordAt(vector, head, t);
    let factor = wide(exp2n(u32(top) - u32(ws[record]), 9u));
    sum = add64(sum, mul64(wide(ws[record + 1u]), factor));
    let value = vec2u(u32(ws[record + 2u + 2u * element]), u32(ws[record + 3u + 2u * element]));
    mix = add64(mix, mul64(value, factor));
  }
  // Floors: below 0 by way of the magnitude, upwards where it does not come out even.
  let isBelow = negative(mix);
  var whole = divide(select(mix, neg64(mix), isBelow), sum);
  if (isBelow) {
    let isEven = whole.r.x == 0u && whole.r.y == 0u;
    whole.q = neg64(select(add64(whole.q, vec2u(1u, 0u)), whole.q, isEven));
    whole.r = select(sub64(sum, whole.r), whole.r, isEven);
  }
  let rest = roundDivide(shl64(whole.r, 6u), sum);
  ws[p.y + id.x] = i32(add64(shl64(whole.q, 6u), rest).x);
}
