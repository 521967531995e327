// docs/canonical-inference.md §2 in 64 bits, which WGSL lacks: x is the low half, y the high one. Products go by limbs of 16 bits.

alias i64 = vec2u;

const MAX32 = 2147483647;

fn wide(a: i32) -> i64 {
  return vec2u(u32(a), u32(a >> 31u));
}

fn mulWide(a: u32, b: u32) -> i64 {
  let al = a & 0xffffu;
  let ah = a >> 16u;
  let bl = b & 0xffffu;
  let bh = b >> 16u;
  let ll = al * bl;
  let first = al * bh + (ll >> 16u);
  let second = ah * bl + (first & 0xffffu);
  return vec2u((second << 16u) | (ll & 0xffffu), ah * bh + (first >> 16u) + (second >> 16u));
}

fn add64(a: i64, b: i64) -> i64 {
  let low = a.x + b.x;
  return vec2u(low, a.y + b.y + select(0u, 1u, low < a.x));
}

fn neg64(a: i64) -> i64 {
  return add64(~a, vec2u(1u, 0u));
}

fn sub64(a: i64, b: i64) -> i64 {
  return add64(a, neg64(b));
}

fn mul64(a: i64, b: i64) -> i64 {
  let low = mulWide(a.x, b.x);
  return vec2u(low.x, low.y + a.x * b.y + a.y * b.x);
}

fn shl64(a: i64, s: u32) -> i64 {
  if (s == 0u) { return a; }
  if (s >= 32u) { return vec2u(0u, a.x << (s - 32u)); }
  return vec2u(a.x << s, (a.y << s) | (a.x >> (32u - s)));
}

fn sar64(a: i64, s: u32) -> i64 {
  if (s == 0u) { return a; }
  let high = i32(a.y);
  if (s >= 32u) { return vec2u(u32(high >> (s - 32u)), u32(high >> 31u)); }
  return vec2u((a.x >> s) | (a.y << (32u - s)), u32(high >> s));
}

fn rsh64(a: i64, s: u32) -> i64 {
  if (s == 0u) { return a; }
  return sar64(add64(a, shl64(vec2u(1u, 0u), s - 1u)), s);
}

fn negative(a: i64) -> bool {
  return (a.y >> 31u) == 1u;
}

fn saturate64(a: i64, top: i32) -> i32 {
  let low = i32(a.x);
  if (i32(a.y) == (low >> 31u)) { return clamp(low, -top, top); }
  return select(top, -top, negative(a));
}

// Without sign.
fn less(a: i64, b: i64) -> bool {
  return a.y < b.y || (a.y == b.y && a.x < b.x);
}

struct Quotient { q: i64, r: i64 }

// Without sign, b > 0.
fn divide(a: i64, b: i64) -> Quotient {
  var q = vec2u(0u, 0u);
  var r = vec2u(0u, 0u);
  for (var i = 0u; i < 64u; i++) {
    let bit = 63u - i;
    let next = select(a.x >> (bit & 31u), a.y >> (bit & 31u), bit >= 32u) & 1u;
    r = shl64(r, 1u);
    r.x |= next;
    q = shl64(q, 1u);
    if (!less(r, b)) {
      r = sub64(r, b);
      q.x |= 1u;
    }
  }
  return Quotient(q, r);
}

// rdiv without sign.
fn roundDivide(a: i64, b: i64) -> i64 {
  return divide(add64(shl64(a, 1u), b), shl64(b, 1u)).q;
}

// Of a < 2^62.
fn root64(a: i64) -> u32 {
  var root = 0u;
  for (var i = 0u; i < 31u; i++) {
    let next = root | (1u << (30u - i));
    if (!less(a, mulWide(next, next))) { root = next; }
  }
  return root;
}

fn bits(a: u32) -> u32 {
  return 32u - countLeadingZeros(a);
}
