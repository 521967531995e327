// Sixteen int32 at a time, in the terms of docs/canonical-inference.md §2.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace check {

using Vec = __m512i;

inline Vec splat(int32_t a) { return _mm512_set1_epi32(a); }
inline Vec splat64(int64_t a) { return _mm512_set1_epi64(a); }
/// The second of each pair of lanes in the place of the first, where products of 64 bits are made of it.
inline Vec odd(Vec a) { return _mm512_shuffle_epi32(a, _MM_PERM_DDBB); }
/// All lanes; others are named by a mask, which loads and stores take longer with.
struct All {
  operator __mmask16() const { return 0xffff; }
};
/// The first `count` of sixteen lanes, all for more.
inline __mmask16 firstLanes(int64_t count) { return count >= 16 ? 0xffff : static_cast<__mmask16>((1u << (count < 0 ? 0 : count)) - 1); }
inline Vec load(const void* at, All = {}) { return _mm512_loadu_si512(at); }
inline Vec load(const void* at, __mmask16 lanes) { return _mm512_maskz_loadu_epi32(lanes, at); }
inline void store(int32_t* at, Vec a, All) { _mm512_storeu_si512(at, a); }
inline void store(int32_t* at, Vec a, __mmask16 lanes) { _mm512_mask_storeu_epi32(at, lanes, a); }
/// int16 of int32 that fit them.
inline void storeNarrow(int16_t* at, Vec a, All) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(at), _mm512_cvtepi32_epi16(a)); }
inline void storeNarrow(int16_t* at, Vec a, __mmask16 lanes) { _mm256_mask_storeu_epi16(at, lanes, _mm512_cvtepi32_epi16(a)); }
inline Vec loadNarrow(const int16_t* at, All) { return _mm512_cvtepi16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at))); }
inline Vec loadNarrow(const int16_t* at, __mmask16 lanes) { return _mm512_cvtepi16_epi32(_mm256_maskz_loadu_epi16(lanes, at)); }

/// `body(i, lanes)` for i = 0, 16, … of n.
template <class F>
inline void bySixteen(int32_t n, F body) {
  int32_t i = 0;
  for (; i + 16 <= n; i += 16) body(i, All{});
  if (i < n) body(i, firstLanes(n - i));
}

/// Products of 64 bits plus a constant: `even` of lanes 0, 2, …, `odd` of lanes 1, 3, ….
struct Products {
  Vec even;
  Vec odd;
};
inline Products products(Vec a, Vec b, Vec plus) {
  return {_mm512_add_epi64(_mm512_mul_epi32(a, b), plus), _mm512_add_epi64(_mm512_mul_epi32(odd(a), odd(b)), plus)};
}
inline Vec halfOf(int shift) { return splat64(int64_t{1} << (shift - 1)); }

/// `rsh(a · b, shift)`, 1 ≤ shift < 32, where the outcome fits 32 bits.
template <int shift>
inline Vec mulShift(Vec a, Vec b) {
  const Products p = products(a, b, halfOf(shift));
  return _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(p.even, shift), _mm512_slli_epi64(p.odd, 32 - shift));
}
/// The upper halves of products.
inline Vec upper(Products p) { return _mm512_mask_shuffle_epi32(p.odd, 0x5555, p.even, _MM_PERM_DDBB); }

/// Largest magnitude of n int32, as unsigned.
inline uint32_t topMagnitude(const int32_t* x, int32_t n) {
  Vec top = _mm512_setzero_si512();
  bySixteen(n, [&](int32_t i, auto lanes) { top = _mm512_max_epu32(top, _mm512_abs_epi32(load(x + i, lanes))); });
  return _mm512_reduce_max_epu32(top);
}

/// Entries of a table at sixteen places, and those behind them.
struct Neighbours {
  Vec here;
  Vec next;
};
/// Loads of two entries each, by places that leave the vector two at a time: the instruction that gathers lets nothing else go on
/// beside it, and places that are stored as a whole and read one by one wait for the store.
inline Neighbours neighbours(const int32_t* table, Vec place) {
  const auto two = [&](uint64_t places) {
    const __m128d one = _mm_load_sd(reinterpret_cast<const double*>(table + static_cast<uint32_t>(places)));
    return _mm_castpd_si128(_mm_loadh_pd(one, reinterpret_cast<const double*>(table + (places >> 32))));
  };
  const auto four = [&](__m128i places) {
    return _mm256_set_m128i(two(static_cast<uint64_t>(_mm_extract_epi64(places, 1))), two(static_cast<uint64_t>(_mm_cvtsi128_si64(places))));
  };
  const Vec low = _mm512_inserti64x4(_mm512_castsi256_si512(four(_mm512_castsi512_si128(place))), four(_mm512_extracti32x4_epi32(place, 1)), 1);
  const Vec high = _mm512_inserti64x4(_mm512_castsi256_si512(four(_mm512_extracti32x4_epi32(place, 2))), four(_mm512_extracti32x4_epi32(place, 3)), 1);
  const Vec evens = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const Vec odds = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
  return {_mm512_permutex2var_epi32(low, evens, high), _mm512_permutex2var_epi32(low, odds, high)};
}

inline int bitLength(uint32_t a) { return a == 0 ? 0 : 32 - __builtin_clz(a); }

/// Nearest integer to a/b, halves up.
inline int64_t roundDiv(int64_t a, int64_t b) {
  const int64_t n = 2 * a + b, d = 2 * b, q = n / d;
  return n % d < 0 ? q - 1 : q;
}

/// 2^(−z) by the table, as §3 has it.
inline int32_t exp2Negative(const int32_t* table, uint32_t z, int shift) {
  const int bits = static_cast<int>(z >> 16) + shift;
  if (bits >= 25) return 0;
  const uint32_t fraction = z & 65535;
  const int32_t high = table[fraction >> 6], low = table[(fraction >> 6) + 1];
  const int32_t value = high - (((high - low) * static_cast<int32_t>(fraction & 63) + 32) >> 6);
  return bits == 0 ? value : (value + (1 << (bits - 1))) >> bits;
}

}  // namespace check
