#include <algorithm>
#include <cstring>

#include "kernels.hpp"
#include "simd.hpp"

namespace check {
namespace {

constexpr int64_t prime = 0x7fffffff;

inline int64_t fold(int64_t x) { return (x & prime) + (x >> 31); }
inline Vec fold(Vec x) { return _mm512_add_epi64(_mm512_and_si512(x, splat64(prime)), _mm512_srai_epi64(x, 31)); }

inline uint32_t residue(int64_t x) {
  const int64_t near = fold(fold(x)), positive = near < 0 ? near + prime : near;
  return static_cast<uint32_t>(positive >= prime ? positive - prime : positive);
}

/// Both sums of eight folded lanes each, folded once more.
inline __m128i totals(Vec first, Vec second) {
  const Vec pairs = _mm512_add_epi64(_mm512_unpacklo_epi64(first, second), _mm512_unpackhi_epi64(first, second));
  const __m256i halves = _mm256_add_epi64(_mm512_castsi512_si256(pairs), _mm512_extracti64x4_epi64(pairs, 1));
  const __m128i both = _mm_add_epi64(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
  return _mm_add_epi64(_mm_and_si128(both, _mm_set1_epi64x(prime)), _mm_srai_epi64(both, 31));
}

/// As takeRows in ../assembly/linears.ts leaves them.
struct Sums {
  int64_t first;
  int64_t second;
  uint32_t top;
  uint32_t unused;
};
static_assert(sizeof(Sums) == 24);

constexpr int positionsMax = 64;

/// Which bytes of sixteen integers of three make the upper three of each int32.
inline Vec spreadOf() {
  alignas(64) uint8_t at[64];
  for (int i = 0; i < 64; i++) at[i] = static_cast<uint8_t>(i % 4 == 0 ? 0 : 3 * (i / 4) + i % 4 - 1);
  return _mm512_load_si512(at);
}

/// Sixteen integers of `width` bytes.
template <int width>
inline Vec sent(const uint8_t* x, Vec spread, All) {
  if (width == 4) return load(x);
  // 48 bytes, and no byte behind them.
  const Vec bytes = _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(x))),
                                       _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x + 32))), 1);
  return _mm512_srai_epi32(_mm512_maskz_permutexvar_epi8(0xeeeeeeeeeeeeeeee, spread, bytes), 8);
}

template <int width>
inline Vec sent(const uint8_t* x, Vec spread, __mmask16 lanes) {
  if (width == 4) return load(x, lanes);
  alignas(64) uint8_t bytes[64] = {};
  std::memcpy(bytes, x, 3 * __builtin_popcount(lanes));
  return sent<3>(bytes, spread, All{});
}

/// Sixteen of the first and of the second of what lies in groups of four by turns.
struct Both {
  Vec first;
  Vec second;
};
inline Both bothOf(const int32_t* at, All) {
  const Vec low = load(at), high = load(at + 16);
  return {_mm512_shuffle_i64x2(low, high, 0x88), _mm512_shuffle_i64x2(low, high, 0xdd)};
}
inline Both bothOf(const int32_t* at, __mmask16 lanes) {
  const int32_t groups = (__builtin_popcount(lanes) + 3) / 4;
  const Vec low = load(at, firstLanes(8 * groups)), high = load(at + 16, firstLanes(8 * groups - 16));
  return {_mm512_shuffle_i64x2(low, high, 0x88), _mm512_shuffle_i64x2(low, high, 0xdd)};
}

struct Matrix {
  const int32_t* r;
  const int32_t* factors;
  int32_t n;
  int32_t every;
};

/// A position's accumulators, how §5.3 makes their outputs, and what is known of all that have its input.
struct Row {
  const uint8_t* x;
  int32_t* out;
  int32_t mantissa;
  int shift;
  Sums sums;
  /// The largest magnitude of these.
  uint32_t top;
};

/// Sums of products with even and odd lanes of both vectors.
struct Lanes {
  Vec a, b, c, d, top;
};

/// By what shift §5.3 is done, of all of some positions; or it is not.
enum class Scaling { byWord, byLess, none };

/// What the accumulators of `count` positions add to their sums, and §5.3 of them.
template <int width, int count, Scaling scaling>
void takeRow(const Matrix& matrix, Row* rows) {
  const Vec spread = spreadOf(), zero = _mm512_setzero_si512();
  Vec half[count], mantissa[count];
  __m128i down[count], up[count];
  Lanes lanes[count];
  for (int k = 0; k < count; k++) {
    half[k] = halfOf(rows[k].shift);
    mantissa[k] = splat(rows[k].mantissa);
    down[k] = _mm_cvtsi32_si128(scaling == Scaling::byWord ? rows[k].shift - 32 : rows[k].shift);
    up[k] = _mm_cvtsi32_si128(32 - rows[k].shift);
    lanes[k] = Lanes{zero, zero, zero, zero, zero};
  }
  const auto take = [&](int32_t i, auto some) {
    const Both r = bothOf(matrix.r + 2 * int64_t{i}, some);
    const Both scale = scaling == Scaling::none ? r : bothOf(matrix.factors + 2 * int64_t{i}, some);
    const Vec firstOdd = odd(r.first), secondOdd = odd(r.second);
    for (int k = 0; k < count; k++) {
      Lanes& its = lanes[k];
      const Vec value = sent<width>(rows[k].x + int64_t{width} * i, spread, some), other = odd(value);
      its.a = _mm512_add_epi64(its.a, _mm512_mul_epi32(value, r.first));
      its.b = _mm512_add_epi64(its.b, _mm512_mul_epi32(other, firstOdd));
      its.c = _mm512_add_epi64(its.c, _mm512_mul_epi32(value, r.second));
      its.d = _mm512_add_epi64(its.d, _mm512_mul_epi32(other, secondOdd));
      its.top = _mm512_max_epu32(its.top, _mm512_abs_epi32(value));
      if (scaling == Scaling::none) continue;
      const Vec left = _mm512_mullo_epi32(value, scale.first), right = _mm512_mullo_epi32(mantissa[k], scale.second);
      const Products both = products(left, right, half[k]);
      const Vec out = scaling == Scaling::byWord
                          ? _mm512_sra_epi32(upper(both), down[k])
                          : _mm512_mask_blend_epi32(0xaaaa, _mm512_srl_epi64(both.even, down[k]), _mm512_sll_epi64(both.odd, up[k]));
      store(rows[k].out + i, out, some);
    }
  };
  const int32_t whole = matrix.n & ~15;
  for (int32_t i = 0; i < whole;) {
    const int32_t end = static_cast<int32_t>(std::min<int64_t>(whole, i + int64_t{16} * matrix.every));
    for (; i < end; i += 16) take(i, All{});
    for (Lanes& its : lanes) its = Lanes{fold(its.a), fold(its.b), fold(its.c), fold(its.d), its.top};
  }
  if (whole < matrix.n) take(whole, firstLanes(matrix.n - whole));
  for (int k = 0; k < count; k++) {
    const Lanes& its = lanes[k];
    Sums& sums = rows[k].sums;
    const __m128i found = totals(_mm512_add_epi64(fold(its.a), fold(its.b)), _mm512_add_epi64(fold(its.c), fold(its.d)));
    sums.first = fold(sums.first + _mm_cvtsi128_si64(found));
    sums.second = fold(sums.second + _mm_extract_epi64(found, 1));
    rows[k].top = _mm512_reduce_max_epu32(its.top);
    sums.top = std::max(sums.top, rows[k].top);
  }
}

/// Positions that go side by side, so that what is wanted of the matrix is loaded once for them.
constexpr int32_t sideBySide = 4;

template <int width, Scaling scaling>
auto takerOf(int32_t count) {
  return count == 4 ? takeRow<width, 4, scaling> : count >= 2 ? takeRow<width, 2, scaling> : takeRow<width, 1, scaling>;
}

/// How many of so many are taken next.
int32_t nextOf(int32_t count) { return count >= 4 ? 4 : count >= 2 ? 2 : 1; }

/// Of four lanes each for the low and the high digits of the first, and of the second: low + 2^16 · high of both.
inline __m128i digitSums(Vec lanes) {
  const Vec first = _mm512_cvtepi32_epi64(_mm512_castsi512_si256(lanes)), second = _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(lanes, 1));
  const Vec pairs = _mm512_add_epi64(_mm512_unpacklo_epi64(first, second), _mm512_unpackhi_epi64(first, second));
  const auto both = [](__m256i half) { return _mm_add_epi64(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1)); };
  return _mm_add_epi64(both(_mm512_castsi512_si256(pairs)), _mm_slli_epi64(both(_mm512_extracti64x4_epi64(pairs, 1)), 16));
}

/// Residues of `count` inputs times both u: a lane's sums of `span` columns fit 32 bits.
template <int count>
void dotInput(const int16_t* inputs, const int16_t* digits, int32_t columns, int32_t span, uint32_t* out) {
  __m128i sums[count];
  for (__m128i& each : sums) each = _mm_setzero_si128();
  for (int32_t from = 0; from < columns; from += span) {
    const int32_t end = std::min(columns, from + span);
    Vec sum[count];
    for (Vec& each : sum) each = _mm512_setzero_si512();
    for (int32_t j = from; j < end; j += 8) {
      const Vec digit = load(digits + 4 * int64_t{j});
      for (int k = 0; k < count; k++) {
        const __m128i value = _mm_loadu_si128(reinterpret_cast<const __m128i*>(inputs + int64_t{columns} * k + j));
        sum[k] = _mm512_dpwssd_epi32(sum[k], _mm512_broadcast_i32x4(value), digit);
      }
    }
    for (int k = 0; k < count; k++) sums[k] = _mm_add_epi64(sums[k], digitSums(sum[k]));
  }
  for (int k = 0; k < count; k++) {
    out[2 * k] = residue(_mm_cvtsi128_si64(sums[k]));
    out[2 * k + 1] = residue(_mm_extract_epi64(sums[k], 1));
  }
}

}  // namespace

bool takeRows(Memory memory, Memory records, uint32_t x, int32_t width, uint32_t stride, int32_t positions, uint32_t r, int32_t n, int32_t every,
              uint32_t, uint32_t factors, int32_t shift, int32_t accMax, double largest, uint32_t scale, uint32_t sums,
              int32_t isFirst, uint32_t out) {
  if (positions < 1 || positions > positionsMax || n < 1 || every < 1 || accMax <= 0 || (width != 3 && width != 4)) return false;
  const uint64_t groups = (static_cast<uint64_t>(n) + 3) / 4;
  const uint8_t* from = records.at<const uint8_t>(x, uint64_t{stride} * (positions - 1) + uint64_t(n) * width);
  const int32_t* scales = memory.at<const int32_t>(scale, 2 * uint64_t(positions));
  Sums* sumsAt = memory.at<Sums>(sums, positions);
  int32_t* to = memory.at<int32_t>(out, uint64_t(n) * positions);
  const Matrix matrix{memory.at<const int32_t>(r, 8 * groups), memory.at<const int32_t>(factors, 8 * groups), n, every};
  Row rows[positionsMax];
  for (int32_t i = 0; i < positions; i++) {
    const int32_t bits = shift - scales[2 * i + 1];
    if (bits < 1 || bits > 63) return false;
    // A mantissa has room for one bit more.
    const bool isNext = bits == 31;
    const int32_t mantissa = static_cast<int32_t>(static_cast<uint32_t>(scales[2 * i]) << (isNext ? 1 : 0));
    const Sums before = isFirst ? Sums{0, 0, 0, 0} : sumsAt[i];
    rows[i] = Row{from + int64_t{stride} * i, to + int64_t{n} * i, mantissa, isNext ? 32 : bits, before, 0};
  }
  for (int32_t i = 0; i < positions;) {
    const bool isWord = rows[i].shift >= 32;
    int32_t alike = 1;
    while (alike < sideBySide && i + alike < positions && (rows[i + alike].shift >= 32) == isWord) alike++;
    const int32_t count = nextOf(alike);
    const auto take = width == 3 ? (isWord ? takerOf<3, Scaling::byWord>(count) : takerOf<3, Scaling::byLess>(count))
                                 : (isWord ? takerOf<4, Scaling::byWord>(count) : takerOf<4, Scaling::byLess>(count));
    take(matrix, rows + i);
    i += count;
  }
  for (int32_t i = 0; i < positions; i++) {
    const double factor = double(scales[2 * i]) * double(int64_t{1} << scales[2 * i + 1]) * largest;
    if (rows[i].top > static_cast<uint32_t>(accMax) || double(rows[i].top) * factor >= 2147483640.0) return false;
  }
  for (int32_t i = 0; i < positions; i++) sumsAt[i] = rows[i].sums;
  return true;
}

bool dotRows(Memory memory, uint32_t y, int32_t stride, int32_t positions, uint32_t r, int32_t n, int32_t every, uint32_t out) {
  if (positions < 1 || n < 1 || every < 1 || stride < 0) return false;
  const uint8_t* from = memory.at<const uint8_t>(y, uint64_t(stride) * (positions - 1) + 4 * uint64_t(n));
  uint32_t* to = memory.at<uint32_t>(out, 4 * uint64_t(positions));
  const Matrix matrix{memory.at<const int32_t>(r, 8 * ((uint64_t(n) + 3) / 4)), nullptr, n, every};
  for (int32_t i = 0; i < positions;) {
    Row rows[sideBySide];
    const int32_t count = nextOf(positions - i);
    for (int k = 0; k < count; k++) rows[k] = Row{from + int64_t{stride} * (i + k), nullptr, 0, 32, Sums{0, 0, 0, 0}, 0};
    takerOf<4, Scaling::none>(count)(matrix, rows);
    for (int k = 0; k < count; k++, i++) {
      to[4 * i] = residue(rows[k].sums.first);
      to[4 * i + 1] = residue(rows[k].sums.second);
      to[4 * i + 2] = rows[k].sums.top;
    }
  }
  return true;
}

bool dotInputs(Memory memory, uint32_t q, int32_t positions, uint32_t u, int32_t columns, int32_t span, uint32_t out) {
  if (positions < 1 || columns < 8 || columns % 8 != 0 || span < 8 || span % 8 != 0) return false;
  const int16_t* inputs = memory.at<const int16_t>(q, uint64_t(columns) * positions);
  const int16_t* digits = memory.at<const int16_t>(u, 4 * uint64_t(columns));
  uint32_t* outAt = memory.at<uint32_t>(out, 2 * uint64_t(positions));
  for (int32_t i = 0; i < positions;) {
    const int count = std::min(8, positions - i);
    const auto dots = count == 8 ? dotInput<8> : count >= 4 ? dotInput<4> : dotInput<1>;
    dots(inputs + int64_t{columns} * i, digits, columns, span, outAt + 2 * i);
    i += count == 8 ? 8 : count >= 4 ? 4 : 1;
  }
  return true;
}

}  // namespace check
