#include <algorithm>
#include <cstring>
#include <type_traits>
#include <vector>

#include "kernels.hpp"
#include "simd.hpp"

namespace check {
namespace {

/// Positions of one vector.
constexpr int32_t lanesOf = 16;
/// Positions of a tile, at most.
constexpr int32_t tileMax = 128;
constexpr int32_t headDimMax = 1024;

inline int32_t ceilDiv(int32_t a, int32_t b) { return (a + b - 1) / b; }

/// Vectors that are as aligned as loads of them are quick.
struct alignas(64) Line {
  int32_t lanes[lanesOf];
};

inline void transpose(Vec r[16]) {
  Vec t[16];
  for (int i = 0; i < 8; i++) {
    t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
  }
  for (int i = 0; i < 4; i++) {
    for (int k = 0; k < 2; k++) {
      r[4 * i + 2 * k] = _mm512_unpacklo_epi64(t[4 * i + k], t[4 * i + k + 2]);
      r[4 * i + 2 * k + 1] = _mm512_unpackhi_epi64(t[4 * i + k], t[4 * i + k + 2]);
    }
  }
  for (int i = 0; i < 4; i++) {
    const Vec a = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88), b = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
    const Vec c = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88), d = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
    t[i] = _mm512_shuffle_i32x4(a, c, 0x88);
    t[i + 4] = _mm512_shuffle_i32x4(b, d, 0x88);
    t[i + 8] = _mm512_shuffle_i32x4(a, c, 0xdd);
    t[i + 12] = _mm512_shuffle_i32x4(b, d, 0xdd);
  }
  for (int i = 0; i < 16; i++) r[i] = t[i];
}

struct Shape {
  int32_t headDim;
  int32_t tilePositions;
  const int32_t* table;
  /// What a score is multiplied by, in the upper half of a word, and half a word.
  Vec factor;
  Vec half;

  int32_t pairs() const { return headDim / 2; }
  /// Vectors of sixteen positions of a tile.
  int32_t tileBlocks() const { return ceilDiv(tilePositions, lanesOf); }
};

/// Keys so that a vector has the same two elements of sixteen positions: per tile, per sixteen positions, a vector per two elements.
void turnKeys(const int16_t* keys, int32_t count, const Shape& shape, std::vector<Line>& out) {
  const int32_t pairs = shape.pairs(), tiles = ceilDiv(count, shape.tilePositions);
  const size_t needed = size_t(tiles) * shape.tileBlocks() * pairs;
  if (out.size() < needed) out.resize(needed);
  for (int32_t tile = 0; tile < tiles; tile++) {
    const int32_t start = tile * shape.tilePositions, n = std::min(shape.tilePositions, count - start);
    for (int32_t block = 0; block < ceilDiv(n, lanesOf); block++) {
      Line* to = &out[(size_t(tile) * shape.tileBlocks() + block) * pairs];
      const int32_t first = start + lanesOf * block, rows = std::min(lanesOf, start + n - first);
      for (int32_t pair = 0; pair < pairs; pair += lanesOf) {
        const int32_t width = std::min(lanesOf, pairs - pair);
        const __mmask16 lanes = firstLanes(width);
        Vec r[16];
        for (int32_t i = 0; i < 16; i++) {
          const void* at = keys + (int64_t{first} + std::min(i, rows - 1)) * shape.headDim + 2 * pair;
          r[i] = _mm512_maskz_loadu_epi32(lanes, at);
        }
        transpose(r);
        if (width == lanesOf) {
          for (int32_t i = 0; i < 16; i++) _mm512_store_si512(&to[pair + i], r[i]);
        } else {
          alignas(64) Line turned[16];
          for (int32_t i = 0; i < 16; i++) _mm512_store_si512(&turned[i], r[i]);
          std::memcpy(&to[pair], turned, sizeof(Line) * width);
        }
      }
    }
  }
}

/// A query's row of int16, two at a time.
inline Vec pairOf(const int16_t* query, int32_t pair) {
  int32_t both;
  std::memcpy(&both, query + 2 * pair, sizeof both);
  return splat(both);
}

/// Scores of `queries` queries, a row's bytes apart, with `count` times sixteen positions, before they are scaled.
template <int queries, int count>
inline void dots(const int16_t* query, const Line* keys, const Shape& shape, Vec (*scores)[tileMax / lanesOf]) {
  const int32_t pairs = shape.pairs();
  Vec sum[queries][count];
  for (auto& each : sum) {
    for (Vec& its : each) its = _mm512_setzero_si512();
  }
  for (int32_t i = 0; i < pairs; i++) {
    Vec value[queries];
    for (int q = 0; q < queries; q++) value[q] = pairOf(query + int64_t{q} * shape.headDim, i);
    for (int k = 0; k < count; k++) {
      const Vec key = _mm512_load_si512(&keys[k * pairs + i]);
      for (int q = 0; q < queries; q++) sum[q][k] = _mm512_dpwssd_epi32(sum[q][k], value[q], key);
    }
  }
  for (int q = 0; q < queries; q++) {
    for (int k = 0; k < count; k++) scores[q][k] = upper(products(sum[q][k], shape.factor, shape.half));
  }
}

/// Probabilities of a query in a tile.
struct Chances {
  alignas(64) int16_t of[tileMax];
};

/// A tile of one query: §5.5.
struct Tile {
  int64_t top;
  int64_t sum;
};

/// n scores to probabilities, zeros behind them up to a multiple of sixteen.
Tile probabilities(const Vec* scores, int32_t n, const int32_t* table, Chances& out) {
  const int32_t blocks = ceilDiv(n, lanesOf);
  const __mmask16 lastLanes = firstLanes(n - lanesOf * (blocks - 1));
  Vec most = _mm512_mask_mov_epi32(splat(INT32_MIN), lastLanes, scores[blocks - 1]);
  for (int32_t i = 0; i + 1 < blocks; i++) most = _mm512_max_epi32(most, scores[i]);
  const int32_t top = _mm512_reduce_max_epi32(most);
  const Vec tops = splat(top);
  Vec sums = _mm512_setzero_si512();
  for (int32_t i = 0; i < blocks; i++) {
    const Vec distance = _mm512_sub_epi32(tops, scores[i]), whole = _mm512_srli_epi32(distance, 16);
    const __mmask16 lanes = _mm512_mask_cmplt_epu32_mask(i + 1 == blocks ? lastLanes : 0xffff, whole, splat(16));
    const Neighbours pair = neighbours(table, _mm512_and_si512(_mm512_srli_epi32(distance, 6), splat(1023)));
    const Vec part = _mm512_mullo_epi32(_mm512_sub_epi32(pair.here, pair.next), _mm512_and_si512(distance, splat(63)));
    const Vec value = _mm512_sub_epi32(pair.here, _mm512_srli_epi32(_mm512_add_epi32(part, splat(32)), 6));
    const Vec half = _mm512_sllv_epi32(splat(256), whole);
    const Vec rounded = _mm512_maskz_srlv_epi32(lanes, _mm512_add_epi32(value, half), _mm512_add_epi32(whole, splat(9)));
    sums = _mm512_add_epi32(sums, rounded);
    storeNarrow(out.of + lanesOf * i, rounded, All{});
  }
  return {top, _mm512_reduce_add_epi32(sums)};
}

inline __m512d loadWide(const double* at, __mmask8 lanes) { return _mm512_maskz_loadu_pd(lanes, at); }

inline void addWide(double* out, Vec sum, All, bool isFirst) {
  __m512d a = _mm512_cvtepi32_pd(_mm512_castsi512_si256(sum)), b = _mm512_cvtepi32_pd(_mm512_extracti64x4_epi64(sum, 1));
  if (!isFirst) {
    a = _mm512_add_pd(a, _mm512_loadu_pd(out));
    b = _mm512_add_pd(b, _mm512_loadu_pd(out + 8));
  }
  _mm512_storeu_pd(out, a);
  _mm512_storeu_pd(out + 8, b);
}

inline void addWide(double* out, Vec sum, __mmask16 lanes, bool isFirst) {
  alignas(64) double whole[lanesOf];
  addWide(whole, sum, All{}, true);
  for (int32_t i = 0; i < __builtin_popcount(lanes); i++) out[i] = isFirst ? whole[i] : out[i] + whole[i];
}

/// Σ p·v of the pairs of positions `from` … `to` for `count` times sixteen elements from `column` on, of the last only `lanes`; of
/// `queries` queries, whose outcomes lie `apart` doubles apart.
template <int queries, int count, class Lanes>
inline void mixColumns(const int16_t* values, const Chances* chances, int32_t from, int32_t to, int32_t headDim, int32_t column,
                       Lanes lanes, double* out, int64_t apart) {
  Vec sum[queries][count];
  for (auto& each : sum) {
    for (Vec& its : each) its = _mm512_setzero_si512();
  }
  const int16_t* at = values + 2 * (int64_t{from} / 2 * headDim + column);
  for (int32_t j = from; j < to; j += 2, at += 2 * headDim) {
    Vec pair[queries];
    for (int q = 0; q < queries; q++) pair[q] = pairOf(chances[q].of, j / 2);
    for (int k = 0; k < count; k++) {
      const Vec value = k + 1 < count ? load(at + 2 * lanesOf * k) : load(at + 2 * lanesOf * k, lanes);
      for (int q = 0; q < queries; q++) sum[q][k] = _mm512_dpwssd_epi32(sum[q][k], pair[q], value);
    }
  }
  for (int q = 0; q < queries; q++) {
    double* to64 = out + apart * q + column;
    for (int k = 0; k + 1 < count; k++) addWide(to64 + lanesOf * k, sum[q][k], All{}, from == 0);
    addWide(to64 + lanesOf * (count - 1), sum[q][count - 1], lanes, from == 0);
  }
}

template <int queries>
inline void mixRun(const int16_t* values, const Chances* chances, int32_t from, int32_t to, int32_t headDim, double* out, int64_t apart) {
  int32_t column = 0;
  for (; column + 64 <= headDim; column += 64) mixColumns<queries, 4>(values, chances, from, to, headDim, column, All{}, out, apart);
  for (; column + 16 <= headDim; column += 16) mixColumns<queries, 1>(values, chances, from, to, headDim, column, All{}, out, apart);
  if (column < headDim) mixColumns<queries, 1>(values, chances, from, to, headDim, column, firstLanes(headDim - column), out, apart);
}

/// Σ p·v of n positions as doubles, in runs whose p add up to `limit` at most, so that sums fit 32 bits.
void mixInRuns(const int16_t* values, const Chances& chances, int32_t n, int64_t limit, int32_t headDim, double* out) {
  for (int32_t from = 0; from < n;) {
    int32_t to = from;
    for (int64_t total = 0; to < n; to += 2) {
      total += int64_t{chances.of[to]} + chances.of[to + 1];
      if (total > limit && to > from) break;
    }
    mixRun<1>(values, &chances, from, to, headDim, out, 0);
    from = to;
  }
}

/// 1.5 · 2^52: added to a double below 2^31, its lowest 32 bits are the nearest integer.
constexpr double rounder = 6755399441055744.0;

inline __m256i lowest(__m512d a) { return _mm512_cvtepi64_epi32(_mm512_castpd_si512(a)); }
inline __mmask8 firstEight(int32_t count) { return static_cast<__mmask8>(firstLanes(std::min(count, 8))); }

/// Of one tile, see joinOne in ../assembly/attention.ts for why these doubles give the quotient.
void joinOne(const double* mix, int64_t sum, int32_t headDim, int32_t* out) {
  const __m512d factor = _mm512_set1_pd(64.0 / static_cast<double>(sum));
  const __m512d above = _mm512_set1_pd(1.0 / 33554432.0), magic = _mm512_set1_pd(rounder);
  for (int32_t i = 0; i < headDim; i += 8) {
    const __mmask8 lanes = firstEight(headDim - i);
    const __m512d real = _mm512_mul_pd(loadWide(mix + i, lanes), factor);
    _mm256_mask_storeu_epi32(out + i, lanes, lowest(_mm512_add_pd(_mm512_add_pd(real, above), magic)));
  }
}

int32_t exactQuotient(const double* mixes, const int64_t* factors, int32_t tiles, int32_t headDim, int64_t sum) {
  int64_t mix = 0;
  for (int32_t t = 0; t < tiles; t++) mix += static_cast<int64_t>(mixes[int64_t{t} * headDim]) * factors[t];
  int64_t quotient = mix / sum;
  if (quotient * sum > mix) quotient--;
  return static_cast<int32_t>((quotient << 6) + roundDiv((mix - quotient * sum) << 6, sum));
}

/// §5.6 of several tiles: doubles decide all but the outcomes that lie next to a half.
void joinTiles(const double* mixes, const Tile* tiles, int32_t count, int32_t headDim, const int32_t* table,
               std::vector<int64_t>& factors, int32_t* out) {
  int64_t top = tiles[0].top, sum = 0;
  for (int32_t t = 1; t < count; t++) top = std::max(top, tiles[t].top);
  factors.resize(count);
  for (int32_t t = 0; t < count; t++) {
    factors[t] = exp2Negative(table, static_cast<uint32_t>(top - tiles[t].top), 9);
    sum += tiles[t].sum * factors[t];
  }
  const __m512d scale = _mm512_set1_pd(64.0 / static_cast<double>(sum)), magic = _mm512_set1_pd(rounder);
  for (int32_t i = 0; i < headDim; i += 8) {
    const __mmask8 lanes = firstEight(headDim - i);
    __m512d mix = _mm512_setzero_pd();
    for (int32_t t = 0; t < count; t++) {
      const __m512d its = loadWide(mixes + int64_t{t} * headDim + i, lanes);
      mix = _mm512_add_pd(mix, _mm512_mul_pd(its, _mm512_set1_pd(static_cast<double>(factors[t]))));
    }
    const __m512d real = _mm512_mul_pd(mix, scale), whole = _mm512_add_pd(real, magic);
    _mm256_mask_storeu_epi32(out + i, lanes, lowest(whole));
    const __m512d rest = _mm512_abs_pd(_mm512_sub_pd(real, _mm512_sub_pd(whole, magic)));
    unsigned near = _mm512_mask_cmp_pd_mask(lanes, rest, _mm512_set1_pd(0.4999), _CMP_GT_OQ);
    for (; near != 0; near &= near - 1) {
      const int k = __builtin_ctz(near);
      out[i + k] = exactQuotient(mixes + i + k, factors.data(), count, headDim, sum);
    }
  }
}

int64_t squares(const int16_t* x, int32_t n) {
  int64_t sum = 0;
  for (int32_t i = 0; i < n; i++) sum += int64_t{x[i]} * x[i];
  return sum;
}

/// What a thread keeps from call to call.
struct Space {
  std::vector<Line> keys;
  std::vector<double> mixes;
  std::vector<Tile> tiles;
  std::vector<int64_t> factors;
};

/// `queries` neighbouring queries with `count` positions whose keys are turned.
template <int queries>
void attend(const int16_t* query, const int16_t* values, int32_t valueTop, int32_t count, const Shape& shape, Space& space, int32_t* out) {
  const int32_t headDim = shape.headDim, pairs = shape.pairs(), tiles = ceilDiv(count, shape.tilePositions);
  const int64_t limit = 0x7fffffff / valueTop, apart = int64_t{tiles} * headDim;
  for (int32_t tile = 0; tile < tiles; tile++) {
    const int32_t start = tile * shape.tilePositions, n = std::min(shape.tilePositions, count - start), blocks = ceilDiv(n, lanesOf);
    const Line* keys = &space.keys[size_t(tile) * shape.tileBlocks() * pairs];
    Vec scores[queries][tileMax / lanesOf];
    const auto dotsOf = [&](int32_t block, auto some) {
      Vec found[queries][tileMax / lanesOf];
      dots<queries, decltype(some)::value>(query, keys + block * pairs, shape, found);
      for (int q = 0; q < queries; q++) {
        for (int k = 0; k < decltype(some)::value; k++) scores[q][block + k] = found[q][k];
      }
    };
    int32_t block = 0;
    for (; block + 4 <= blocks; block += 4) dotsOf(block, std::integral_constant<int, 4>{});
    if (block + 2 <= blocks) {
      dotsOf(block, std::integral_constant<int, 2>{});
      block += 2;
    }
    if (block < blocks) dotsOf(block, std::integral_constant<int, 1>{});
    Chances chances[queries];
    bool isOneRun = true;
    for (int q = 0; q < queries; q++) {
      Tile& its = space.tiles[int64_t{tiles} * q + tile];
      its = probabilities(scores[q], n, shape.table, chances[q]);
      isOneRun = isOneRun && its.sum <= limit;
    }
    const int16_t* itsValues = values + int64_t{start} * headDim;
    double* mixes = &space.mixes[int64_t{tile} * headDim];
    if (isOneRun) mixRun<queries>(itsValues, chances, 0, n, headDim, mixes, apart);
    else {
      for (int q = 0; q < queries; q++) mixInRuns(itsValues, chances[q], n, limit, headDim, mixes + apart * q);
    }
  }
  for (int q = 0; q < queries; q++) {
    const double* mixes = &space.mixes[apart * q];
    const Tile* its = &space.tiles[int64_t{tiles} * q];
    if (tiles == 1) joinOne(mixes, its[0].sum, headDim, out + int64_t{headDim} * q);
    else joinTiles(mixes, its, tiles, headDim, shape.table, space.factors, out + int64_t{headDim} * q);
  }
}

/// Heads that share keys and values and go side by side.
constexpr int headsAtOnce = 4;

}  // namespace

bool rotateRows(Memory memory, uint32_t x, uint32_t cos, uint32_t sin, int32_t positions, int32_t heads, int32_t half, uint32_t out,
                int32_t line, int32_t stride) {
  if (positions < 1 || heads < 1 || half < 1 || line < 0 || stride < 0) return false;
  const int32_t* from = memory.at<const int32_t>(x, 2 * uint64_t(half) * heads * positions);
  const int16_t* coss = memory.at<const int16_t>(cos, uint64_t(half) * positions);
  const int16_t* sins = memory.at<const int16_t>(sin, uint64_t(half) * positions);
  uint8_t* to = memory.at<uint8_t>(out, uint64_t(line) * (positions - 1) + uint64_t(stride) * (heads - 1) + 4 * uint64_t(half));
  const Vec round = splat64(1 << 19), most = splat(32767), least = splat(-32767);
  for (int32_t i = 0; i < positions; i++) {
    bySixteen(half, [&](int32_t at, auto lanes) {
      const Vec c = loadNarrow(coss + int64_t{half} * i + at, lanes), s = loadNarrow(sins + int64_t{half} * i + at, lanes);
      const Vec cOdd = odd(c), sOdd = odd(s);
      for (int32_t head = 0; head < heads; head++) {
        const int32_t* pair = from + (int64_t{heads} * i + head) * 2 * half + at;
        const Vec a = load(pair, lanes), b = load(pair + half, lanes), aOdd = odd(a), bOdd = odd(b);
        const auto rounded = [&](Vec even, Vec odds) {
          const Vec low = _mm512_srli_epi64(_mm512_add_epi64(even, round), 20);
          const Vec value = _mm512_mask_blend_epi32(0xaaaa, low, _mm512_slli_epi64(_mm512_add_epi64(odds, round), 12));
          return _mm512_max_epi32(_mm512_min_epi32(value, most), least);
        };
        int16_t* const first = reinterpret_cast<int16_t*>(to + int64_t{line} * i + int64_t{stride} * head) + at;
        storeNarrow(first,
                    rounded(_mm512_sub_epi64(_mm512_mul_epi32(a, c), _mm512_mul_epi32(b, s)),
                            _mm512_sub_epi64(_mm512_mul_epi32(aOdd, cOdd), _mm512_mul_epi32(bOdd, sOdd))),
                    lanes);
        storeNarrow(first + half,
                    rounded(_mm512_add_epi64(_mm512_mul_epi32(b, c), _mm512_mul_epi32(a, s)),
                            _mm512_add_epi64(_mm512_mul_epi32(bOdd, cOdd), _mm512_mul_epi32(aOdd, sOdd))),
                    lanes);
      }
    });
  }
  return true;
}

bool attendRows(Memory memory, uint32_t queries, uint32_t keys, uint32_t values, int32_t stride, uint32_t keyTops, uint32_t valueTops,
                int32_t position, int32_t positions, int32_t heads, int32_t kvHeads, int32_t headDim, int32_t tilePositions,
                uint32_t table, int32_t multiplier, int32_t shift, uint32_t, uint32_t out) {
  if (shift < 17 || shift > 32 || headDim < 2 || headDim % 2 != 0 || headDim > headDimMax || positions < 1 || position < 0) return false;
  if (tilePositions < 1 || tilePositions > tileMax || tilePositions % 2 != 0 || kvHeads < 1 || heads % kvHeads != 0) return false;
  constexpr uint64_t entries = 1025;
  const int32_t end = position + positions, group = heads / kvHeads;
  const uint64_t cached = uint64_t(stride) * (kvHeads - 1) + 2 * uint64_t(headDim) * end;
  const int16_t* queryAt = memory.at<const int16_t>(queries, uint64_t(positions) * heads * headDim);
  const uint8_t* keyAt = memory.at<const uint8_t>(keys, cached);
  const uint8_t* valueAt = memory.at<const uint8_t>(values, cached + (end % 2 == 0 ? 0 : 2 * uint64_t(headDim)));
  const int64_t* keyTop = memory.at<const int64_t>(keyTops, kvHeads);
  const int32_t* valueTop = memory.at<const int32_t>(valueTops, kvHeads);
  int32_t* outAt = memory.at<int32_t>(out, uint64_t(positions) * heads * headDim);
  const Vec factor = splat(static_cast<int32_t>(static_cast<uint32_t>(multiplier) << (32 - shift)));
  const Shape shape{headDim, tilePositions, memory.at<const int32_t>(table, entries), factor, halfOf(32)};
  // By the lengths of query and keys every partial sum of a score fits 32 bits.
  for (int32_t i = 0; i < positions * heads; i++) {
    const double length = static_cast<double>(squares(queryAt + int64_t{headDim} * i, headDim));
    if (!(length * static_cast<double>(keyTop[i % heads / group]) < 4611686018427387904.0 - 1048576.0)) return false;
  }
  thread_local Space kept;
  Space& space = kept;
  const size_t tiles = size_t(ceilDiv(end, tilePositions)) * headsAtOnce;
  space.mixes.resize(std::max(space.mixes.size(), tiles * headDim));
  space.tiles.resize(std::max(space.tiles.size(), tiles));
  for (int32_t kv = 0; kv < kvHeads; kv++) {
    const int16_t* itsKeys = reinterpret_cast<const int16_t*>(keyAt + int64_t{stride} * kv);
    const int16_t* itsValues = reinterpret_cast<const int16_t*>(valueAt + int64_t{stride} * kv);
    const int32_t top = std::max(1, valueTop[kv]);
    turnKeys(itsKeys, end, shape, space.keys);
    for (int32_t i = 0; i < positions; i++) {
      for (int32_t head = 0; head < group;) {
        const int64_t place = (int64_t{i} * heads + kv * group + head) * headDim;
        const int32_t taken = std::min(headsAtOnce, group - head);
        const auto attendOf = taken == 4 ? attend<4> : taken == 3 ? attend<3> : taken == 2 ? attend<2> : attend<1>;
        attendOf(queryAt + place, itsValues, top, position + i + 1, shape, space, outAt + place);
        head += taken;
      }
    }
  }
  return true;
}

}  // namespace check
