#include <algorithm>
#include <cmath>

#include "kernels.hpp"
#include "simd.hpp"

namespace check {
namespace {

/// From more columns on an output of a norm may saturate.
constexpr int32_t normColumnsMax = 8192;

inline int64_t integerSqrt(int64_t a) {
  int64_t root = static_cast<int64_t>(std::sqrt(static_cast<double>(a)));
  while (root * root > a) root--;
  while ((root + 1) * (root + 1) <= a) root++;
  return root;
}

bool norm(const int32_t* x, const int32_t* weight, int32_t epsilon, int32_t n, int32_t* out) {
  Vec evens = _mm512_setzero_si512(), odds = evens, top = evens;
  bySixteen(n, [&](int32_t i, auto lanes) {
    const Vec value = load(x + i, lanes), other = odd(value);
    top = _mm512_max_epu32(top, _mm512_abs_epi32(value));
    evens = _mm512_add_epi64(evens, _mm512_mul_epi32(value, value));
    odds = _mm512_add_epi64(odds, _mm512_mul_epi32(other, other));
  });
  if (bitLength(_mm512_reduce_max_epu32(top)) > 22) return false;
  const int64_t mean = (_mm512_reduce_add_epi64(evens) + _mm512_reduce_add_epi64(odds)) / n + epsilon;
  const int64_t root = integerSqrt(mean << 16);
  if (root <= 0) return false;
  const int64_t reciprocal = roundDiv(int64_t{1} << 46, root);
  if (reciprocal > 0x7fffffff) return false;
  const Vec factor = splat(static_cast<int32_t>(reciprocal));
  bySixteen(n, [&](int32_t i, auto lanes) {
    store(out + i, mulShift<16>(mulShift<22>(load(x + i, lanes), factor), load(weight + i, lanes)), lanes);
  });
  return true;
}

bool quantise(const int32_t* x, int32_t n, int16_t* out, int32_t* scale, int32_t inputMax) {
  const uint32_t top = topMagnitude(x, n);
  const int bits = bitLength(top);
  if (bits < 4 || bits > 25) return false;
  const int exponent = bits > 15 ? bits - 15 : 0;
  const int32_t mantissa = static_cast<int32_t>((top + ((1u << exponent) - 1)) >> exponent);
  const int32_t factor = static_cast<int32_t>(roundDiv(int64_t{inputMax} << 22, mantissa));
  const Vec most = splat(inputMax), least = splat(-inputMax);
  const auto narrowed = [&](Vec value) { return _mm512_max_epi32(_mm512_min_epi32(value, most), least); };
  // From 12 bits on the reciprocal has room for what makes the shift one by 32.
  if (bits >= 12) {
    const Vec wide = splat(static_cast<int32_t>(static_cast<uint32_t>(factor) << (10 - exponent))), half = halfOf(32);
    bySixteen(n, [&](int32_t i, auto lanes) { storeNarrow(out + i, narrowed(upper(products(load(x + i, lanes), wide, half))), lanes); });
  } else {
    const Vec narrow = splat(factor);
    bySixteen(n, [&](int32_t i, auto lanes) { storeNarrow(out + i, narrowed(mulShift<22>(load(x + i, lanes), narrow)), lanes); });
  }
  scale[0] = mantissa;
  scale[1] = exponent;
  return true;
}

bool swiGlu(const int32_t* gate, const int32_t* up, const int32_t* table, int32_t n, int32_t* out) {
  const Vec low = splat(-(1 << 20)), high = splat((1 << 20) - 1), offset = splat(1 << 20);
  Vec topSilu = _mm512_setzero_si512(), topUp = topSilu;
  bySixteen(n, [&](int32_t i, auto lanes) {
    const Vec g = load(gate + i, lanes), u = load(up + i, lanes);
    const Vec place = _mm512_add_epi32(_mm512_min_epi32(_mm512_max_epi32(g, low), high), offset);
    const Neighbours pair = neighbours(table, _mm512_srli_epi32(place, 9));
    const Vec part = _mm512_mullo_epi32(_mm512_sub_epi32(pair.next, pair.here), _mm512_and_si512(place, splat(511)));
    const Vec sigmoid = _mm512_add_epi32(pair.here, _mm512_srai_epi32(_mm512_add_epi32(part, splat(256)), 9));
    const Vec silu = mulShift<16>(g, sigmoid);
    topSilu = _mm512_max_epi32(topSilu, _mm512_abs_epi32(silu));
    topUp = _mm512_max_epi32(topUp, _mm512_abs_epi32(u));
    store(out + i, mulShift<16>(silu, u), lanes);
  });
  const int64_t largest = int64_t{_mm512_reduce_max_epi32(topSilu)} * _mm512_reduce_max_epi32(topUp);
  return largest < int64_t{0x7fff} << 32;
}

}  // namespace

bool norms(Memory memory, uint32_t x, int32_t positions, uint32_t weight, int32_t epsilon, int32_t n, uint32_t out) {
  if (n < 1 || n > normColumnsMax) return false;
  const int32_t* from = memory.at<const int32_t>(x, uint64_t(n) * positions);
  const int32_t* weights = memory.at<const int32_t>(weight, n);
  int32_t* to = memory.at<int32_t>(out, uint64_t(n) * positions);
  for (int32_t i = 0; i < positions; i++) {
    if (!norm(from + int64_t{n} * i, weights, epsilon, n, to + int64_t{n} * i)) return false;
  }
  return true;
}

bool quantiseRows(Memory memory, uint32_t x, int32_t positions, int32_t n, uint32_t out, uint32_t scale, int32_t inputMax) {
  const int32_t* from = memory.at<const int32_t>(x, uint64_t(n) * positions);
  int16_t* to = memory.at<int16_t>(out, uint64_t(n) * positions);
  int32_t* scales = memory.at<int32_t>(scale, 2 * uint64_t(positions));
  for (int32_t i = 0; i < positions; i++) {
    if (!quantise(from + int64_t{n} * i, n, to + int64_t{n} * i, scales + 2 * i, inputMax)) return false;
  }
  return true;
}

bool swiGluRows(Memory memory, uint32_t gate, uint32_t up, int32_t positions, uint32_t table, int32_t n, uint32_t out) {
  constexpr uint64_t entries = 4097;
  const uint64_t count = uint64_t(n) * positions;
  const int32_t *gates = memory.at<const int32_t>(gate, count), *ups = memory.at<const int32_t>(up, count);
  const int32_t* sigmoid = memory.at<const int32_t>(table, entries);
  int32_t* to = memory.at<int32_t>(out, count);
  for (int32_t i = 0; i < positions; i++) {
    const int64_t at = int64_t{n} * i;
    if (!swiGlu(gates + at, ups + at, sigmoid, n, to + at)) return false;
  }
  return true;
}

bool addRows(Memory memory, uint32_t x, uint32_t y, int32_t n) {
  int32_t* to = memory.at<int32_t>(x, n);
  const int32_t* from = memory.at<const int32_t>(y, n);
  const Vec least = splat(-0x7fffffff), most = splat(0x7fffffff);
  bySixteen(n, [&](int32_t i, auto lanes) {
    const Vec a = load(to + i, lanes), b = load(from + i, lanes), sum = _mm512_add_epi32(a, b);
    // Both have a sign that the sum has not.
    const __mmask16 isOver = _mm512_movepi32_mask(_mm512_andnot_si512(_mm512_xor_si512(a, b), _mm512_xor_si512(a, sum)));
    const Vec end = _mm512_xor_si512(_mm512_srai_epi32(a, 31), most);
    store(to + i, _mm512_max_epi32(_mm512_mask_mov_epi32(sum, isOver, end), least), lanes);
  });
  return true;
}

}  // namespace check
