// Kernels of a check without weights in AVX-512, over the memory of the WebAssembly ones (../assembly), same arguments, same bits.
//
// Each takes the magnitudes that occur. Where one might not fit it returns false, and nothing that it wrote is read: the WebAssembly
// kernel, which knows every case, does that call.
#pragma once

#include <cstdint>
#include <stdexcept>

namespace check {

/// What a kernel may read and write. An address that leaves it is a fault of the caller and throws.
struct Memory {
  uint8_t* base;
  uint64_t bytes;

  template <class T>
  T* at(uint32_t address, uint64_t count) const {
    if (count * sizeof(T) > bytes || address > bytes - count * sizeof(T)) throw std::out_of_range("an address outside of the memory");
    return reinterpret_cast<T*>(base + address);
  }
};

// linears.cpp
/// Accumulators are read where they were sent to, of which `x` is a place.
bool takeRows(Memory, Memory records, uint32_t x, int32_t width, uint32_t stride, int32_t positions, uint32_t r, int32_t n, int32_t every,
              uint32_t scales, uint32_t factors, int32_t shift, int32_t accMax, double largest, uint32_t scale, uint32_t sums,
              int32_t isFirst, uint32_t out);
bool dotRows(Memory, uint32_t y, int32_t stride, int32_t positions, uint32_t r, int32_t n, int32_t every, uint32_t out);
bool dotInputs(Memory, uint32_t q, int32_t positions, uint32_t u, int32_t columns, int32_t span, uint32_t out);

// elementwise.cpp
bool norms(Memory, uint32_t x, int32_t positions, uint32_t weight, int32_t epsilon, int32_t n, uint32_t out);
bool quantiseRows(Memory, uint32_t x, int32_t positions, int32_t n, uint32_t out, uint32_t scale, int32_t inputMax);
bool swiGluRows(Memory, uint32_t gate, uint32_t up, int32_t positions, uint32_t table, int32_t n, uint32_t out);
bool addRows(Memory, uint32_t x, uint32_t y, int32_t n);

// attention.cpp
bool rotateRows(Memory, uint32_t x, uint32_t cos, uint32_t sin, int32_t positions, int32_t heads, int32_t half, uint32_t out,
                int32_t line, int32_t stride);
bool attendRows(Memory, uint32_t queries, uint32_t keys, uint32_t values, int32_t stride, uint32_t keyTops, uint32_t valueTops,
                int32_t position, int32_t positions, int32_t heads, int32_t kvHeads, int32_t headDim, int32_t tilePositions,
                uint32_t table, int32_t multiplier, int32_t shift, uint32_t scratch, uint32_t out);

// sha256.cpp
/// Of `count` records one behind the other the node over each one's leaves, 32 bytes each: leaves of `leafBytes`, 2^levels indexes a
/// record from `firstIndex` on, no more leaves than that.
void recordNodes(const uint8_t* records, uint64_t recordBytes, uint32_t count, uint32_t firstIndex, uint64_t leafBytes,
                 uint32_t levels, uint8_t* out);
/// The nodes `levels` above a row, in place; zeros are what is absent.
void foldNodes(uint8_t* nodes, uint64_t count, uint32_t levels);

}  // namespace check
