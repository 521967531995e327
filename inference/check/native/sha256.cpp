// SHA-256 (FIPS 180-4) of several messages at once by the processor's instructions, each of which waits for the one before it: four
// messages side by side leave it no time to wait. Trees as docs/canonical-inference.md §12.1.

#include <immintrin.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels.hpp"

namespace check {
namespace {

constexpr uint64_t blockBytes = 64;
constexpr uint64_t hashBytes = 32;
constexpr uint64_t leafPrefixBytes = 5;

/// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
alignas(16) constexpr uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};
constexpr uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

inline __m128i byteOrder() { return _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3); }

/// The state as the instructions have it: a, b, e, f and c, d, g, h, from the highest word down.
struct State {
  __m128i abef = _mm_set_epi32(static_cast<int>(initial[0]), static_cast<int>(initial[1]), static_cast<int>(initial[4]), static_cast<int>(initial[5]));
  __m128i cdgh = _mm_set_epi32(static_cast<int>(initial[2]), static_cast<int>(initial[3]), static_cast<int>(initial[6]), static_cast<int>(initial[7]));

  void write(uint8_t* out) const {
    const __m128i abcd = _mm_unpackhi_epi64(cdgh, abef), efgh = _mm_unpacklo_epi64(cdgh, abef);
    const __m128i reversed = _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm_shuffle_epi8(abcd, reversed));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 16), _mm_shuffle_epi8(efgh, reversed));
  }
};

/// Takes `blocks` blocks of each of `count` messages into their states.
template <int count>
void compress(State* states, const uint8_t* const* messages, uint64_t blocks) {
  const __m128i order = byteOrder();
  State state[count];
  for (int k = 0; k < count; k++) state[k] = states[k];
  for (uint64_t block = 0; block < blocks; block++) {
    __m128i words[count][4];
    State before[count];
    for (int k = 0; k < count; k++) {
      before[k] = state[k];
      const __m128i* at = reinterpret_cast<const __m128i*>(messages[k] + blockBytes * block);
      for (int i = 0; i < 4; i++) words[k][i] = _mm_shuffle_epi8(_mm_loadu_si128(at + i), order);
    }
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) {
      const __m128i constant = _mm_load_si128(reinterpret_cast<const __m128i*>(constants + 4 * i));
#pragma GCC unroll 4
      for (int k = 0; k < count; k++) {
        __m128i* w = words[k];
        if (i >= 4) {
          const __m128i behind = _mm_alignr_epi8(w[(i + 3) & 3], w[(i + 2) & 3], 4);
          w[i & 3] = _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(w[i & 3], w[(i + 1) & 3]), behind), w[(i + 3) & 3]);
        }
        const __m128i added = _mm_add_epi32(w[i & 3], constant);
        state[k].cdgh = _mm_sha256rnds2_epu32(state[k].cdgh, state[k].abef, added);
        state[k].abef = _mm_sha256rnds2_epu32(state[k].abef, state[k].cdgh, _mm_shuffle_epi32(added, 0x0e));
      }
    }
    for (int k = 0; k < count; k++) {
      state[k].abef = _mm_add_epi32(state[k].abef, before[k].abef);
      state[k].cdgh = _mm_add_epi32(state[k].cdgh, before[k].cdgh);
    }
  }
  for (int k = 0; k < count; k++) states[k] = state[k];
}

/// A prefix and bytes, whose blocks lie in three places: the first, those within the bytes, the last one or two.
class Message {
 public:
  State state;

  Message() = default;
  Message(const uint8_t* prefix, uint64_t prefixBytes, const uint8_t* bytes, uint64_t length) {
    const uint64_t total = prefixBytes + length;
    std::memset(ends_, 0, sizeof ends_);
    std::memcpy(ends_, prefix, prefixBytes);
    const uint64_t first = std::min(length, blockBytes - prefixBytes);
    std::memcpy(ends_ + prefixBytes, bytes, first);
    inner_ = bytes + first;
    innerBlocks_ = (length - first) / blockBytes;
    const uint64_t left = length - first - blockBytes * innerBlocks_;
    // The end's bit and length follow the first block's bytes where that is not full, else what is left behind whole blocks.
    uint8_t* const tail = ends_ + blockBytes;
    const bool isShort = total < blockBytes;
    uint8_t* const end = isShort ? ends_ + total : tail + left;
    if (!isShort && left > 0) std::memcpy(tail, inner_ + blockBytes * innerBlocks_, left);
    *end = 0x80;
    const uint64_t used = isShort ? total : blockBytes + left;
    const uint64_t blocks = (used + 1 + 8 + blockBytes - 1) / blockBytes;
    tailBlocks_ = blocks - 1;
    for (int i = 0; i < 8; i++) ends_[blockBytes * blocks - 1 - i] = static_cast<uint8_t>((8 * total) >> (8 * i));
  }

  const uint8_t* first() const { return ends_; }
  const uint8_t* inner() const { return inner_; }
  uint64_t innerBlocks() const { return innerBlocks_; }
  const uint8_t* tail() const { return ends_ + blockBytes; }
  uint64_t tailBlocks() const { return tailBlocks_; }

 private:
  uint8_t ends_[3 * blockBytes] = {};
  const uint8_t* inner_ = nullptr;
  uint64_t innerBlocks_ = 0;
  uint64_t tailBlocks_ = 0;
};

constexpr int atOnce = 4;

/// So many blocks of four as all have are taken side by side, of what is left then of two, and then of one.
template <int count, class Place, class Blocks>
void takeBlocks(Message* messages, Place place, Blocks blocksOf, uint64_t taken) {
  uint64_t common = UINT64_MAX;
  const uint8_t* at[count];
  State states[count];
  for (int k = 0; k < count; k++) {
    at[k] = place(messages[k]) + blockBytes * taken;
    states[k] = messages[k].state;
    common = std::min(common, blocksOf(messages[k]) - taken);
  }
  if (common > 0) compress<count>(states, at, common);
  for (int k = 0; k < count; k++) messages[k].state = states[k];
  if constexpr (count > 1) {
    for (int k = 0; k < count; k += count / 2) takeBlocks<count / 2>(messages + k, place, blocksOf, taken + common);
  }
}

template <int count>
void hashSome(Message* messages) {
  takeBlocks<count>(messages, [](const Message& m) { return m.first(); }, [](const Message&) { return uint64_t{1}; }, 0);
  takeBlocks<count>(messages, [](const Message& m) { return m.inner(); }, [](const Message& m) { return m.innerBlocks(); }, 0);
  takeBlocks<count>(messages, [](const Message& m) { return m.tail(); }, [](const Message& m) { return m.tailBlocks(); }, 0);
}

void hashAll(Message* messages, int count) {
  if (count == atOnce) return hashSome<atOnce>(messages);
  for (int k = 0; k < count; k++) hashSome<1>(messages + k);
}

bool isAbsent(const uint8_t* nodes, uint64_t bytes) {
  return std::all_of(nodes, nodes + bytes, [](uint8_t byte) { return byte == 0; });
}

/// Messages that are hashed as soon as there are as many as go side by side, their hashes written where they belong.
class Queue {
 public:
  void add(const Message& message, uint8_t* out) {
    messages_[count_] = message;
    outs_[count_++] = out;
    if (count_ == atOnce) flush();
  }
  void flush() {
    hashAll(messages_, count_);
    for (int k = 0; k < count_; k++) messages_[k].state.write(outs_[k]);
    count_ = 0;
  }

 private:
  Message messages_[atOnce];
  uint8_t* outs_[atOnce] = {};
  int count_ = 0;
};

}  // namespace

void foldNodes(uint8_t* nodes, uint64_t count, uint32_t levels) {
  constexpr uint8_t prefix[1] = {1};
  for (uint32_t level = 0; level < levels; level++) {
    Queue queue;
    const uint64_t above = (count + 1) / 2;
    for (uint64_t i = 0; i < above; i++) {
      uint8_t pair[2 * hashBytes] = {};
      std::memcpy(pair, nodes + 2 * hashBytes * i, 2 * i + 1 < count ? 2 * hashBytes : hashBytes);
      // A place is written when nothing below it is wanted any more: messages as short as these are copies.
      if (isAbsent(pair, sizeof pair)) std::memset(nodes + hashBytes * i, 0, hashBytes);
      else queue.add(Message(prefix, sizeof prefix, pair, sizeof pair), nodes + hashBytes * i);
    }
    queue.flush();
    count = above;
  }
}

void recordNodes(const uint8_t* records, uint64_t recordBytes, uint32_t count, uint32_t firstIndex, uint64_t leafBytes,
                 uint32_t levels, uint8_t* out) {
  const uint64_t leaves = (recordBytes + leafBytes - 1) / leafBytes;
  std::vector<uint8_t> nodes((hashBytes * count) << levels, 0);
  Queue queue;
  // Leaves of one length follow each other.
  for (uint64_t leaf = 0; leaf < leaves; leaf++) {
    const uint64_t at = leafBytes * leaf, length = std::min(leafBytes, recordBytes - at);
    for (uint32_t i = 0; i < count; i++) {
      const uint32_t index = firstIndex + (i << levels) + static_cast<uint32_t>(leaf);
      const uint8_t prefix[leafPrefixBytes] = {0, static_cast<uint8_t>(index >> 24), static_cast<uint8_t>(index >> 16),
                                               static_cast<uint8_t>(index >> 8), static_cast<uint8_t>(index)};
      queue.add(Message(prefix, sizeof prefix, records + recordBytes * i + at, length), &nodes[hashBytes * ((uint64_t{i} << levels) + leaf)]);
    }
  }
  queue.flush();
  foldNodes(nodes.data(), uint64_t{count} << levels, levels);
  std::memcpy(out, nodes.data(), hashBytes * count);
}

}  // namespace check
