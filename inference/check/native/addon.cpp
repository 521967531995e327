// What Node.js calls. Compiled for any x86-64: whether the processor has what the kernels need is asked before they are named.

#include <cpuid.h>
#include <node_api.h>

#include <cmath>
#include <exception>
#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "kernels.hpp"

namespace {

using namespace check;

/// AVX-512 as servers have it since Ice Lake and Zen 4, and instructions for SHA-256.
bool isFit() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned sha = 1u << 29;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (b & sha) == 0) return false;
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vnni");
}

constexpr size_t argumentsMax = 20;

struct Arguments {
  napi_env env;
  napi_value values[argumentsMax];
  size_t count = argumentsMax;
  void* data = nullptr;

  Arguments(napi_env environment, napi_callback_info info) : env(environment) {
    if (napi_get_cb_info(env, info, &count, values, nullptr, &data) != napi_ok) throw std::runtime_error("no arguments");
  }

  double number(size_t i) const {
    double value = 0;
    if (i >= count || napi_get_value_double(env, values[i], &value) != napi_ok || !std::isfinite(value))
      throw std::runtime_error("argument " + std::to_string(i) + " is no number");
    return value;
  }
  template <class T>
  T as(size_t i) const {
    const double value = number(i);
    if constexpr (std::is_floating_point_v<T>) return value;
    else {
      if (value < static_cast<double>(std::numeric_limits<T>::min()) || value > static_cast<double>(std::numeric_limits<T>::max()))
        throw std::runtime_error("argument " + std::to_string(i) + " does not fit");
      return static_cast<T>(value);
    }
  }
  Memory memory(size_t i) const {
    void* at = nullptr;
    size_t bytes = 0;
    if (i >= count || napi_get_arraybuffer_info(env, values[i], &at, &bytes) != napi_ok)
      throw std::runtime_error("argument " + std::to_string(i) + " is no ArrayBuffer");
    return {static_cast<uint8_t*>(at), bytes};
  }
  Memory bytes(size_t i) const {
    napi_typedarray_type type = napi_int8_array;
    void* at = nullptr;
    size_t length = 0;
    if (i >= count || napi_get_typedarray_info(env, values[i], &type, &length, &at, nullptr, nullptr) != napi_ok || type != napi_uint8_array)
      throw std::runtime_error("argument " + std::to_string(i) + " is no Uint8Array");
    return {static_cast<uint8_t*>(at), length};
  }
};

/// No exception of C++ may leave a function that Node.js calls.
template <class F>
napi_value guarded(napi_env env, F body) {
  try {
    return body();
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, error.what());
    return nullptr;
  }
}

/// An argument of a kernel: a number, or bytes of JavaScript's own.
template <class T>
T argument(const Arguments& given, size_t i) {
  if constexpr (std::is_same_v<T, Memory>) return given.bytes(i);
  else return given.as<T>(i);
}

template <class... A, size_t... I>
bool apply(bool (*kernel)(Memory, A...), const Arguments& given, std::index_sequence<I...>) {
  return kernel(given.memory(0), argument<A>(given, I + 1)...);
}

template <class... A>
napi_value call(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    const Arguments given(env, info);
    const auto kernel = reinterpret_cast<bool (*)(Memory, A...)>(given.data);
    napi_value result = nullptr;
    napi_get_boolean(env, apply(kernel, given, std::index_sequence_for<A...>()), &result);
    return result;
  });
}

void define(napi_env env, napi_value exports, const char* name, napi_callback callback, void* data) {
  napi_value function = nullptr;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, data, &function) == napi_ok)
    napi_set_named_property(env, exports, name, function);
}

template <class... A>
void define(napi_env env, napi_value exports, const char* name, bool (*kernel)(Memory, A...)) {
  define(env, exports, name, call<A...>, reinterpret_cast<void*>(kernel));
}

constexpr uint64_t hashBytes = 32;
constexpr uint32_t levelsMax = 31;

/// (records, count, firstIndex, leafBytes, levels, out)
napi_value callRecordNodes(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments given(env, info);
    const Memory records = given.bytes(0), out = given.bytes(5);
    const uint32_t count = given.as<uint32_t>(1), leafBytes = given.as<uint32_t>(3), levels = given.as<uint32_t>(4);
    if (count == 0 || leafBytes == 0 || levels > levelsMax || records.bytes % count != 0) throw std::out_of_range("no records");
    const uint64_t recordBytes = records.bytes / count;
    if ((recordBytes + leafBytes - 1) / leafBytes > uint64_t{1} << levels) throw std::out_of_range("more leaves than a record has");
    if (out.bytes < hashBytes * count) throw std::out_of_range("no room for the nodes");
    recordNodes(records.base, recordBytes, count, given.as<uint32_t>(2), leafBytes, levels, out.base);
    return nullptr;
  });
}

/// (nodes, levels)
napi_value callFoldNodes(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments given(env, info);
    const Memory nodes = given.bytes(0);
    const uint32_t levels = given.as<uint32_t>(1);
    if (nodes.bytes == 0 || nodes.bytes % hashBytes != 0 || levels > levelsMax) throw std::out_of_range("no nodes");
    foldNodes(nodes.base, nodes.bytes / hashBytes, levels);
    return nullptr;
  });
}

}  // namespace

NAPI_MODULE_INIT() {
  if (!isFit()) return exports;
  define(env, exports, "takeRows", takeRows);
  define(env, exports, "dotRows", dotRows);
  define(env, exports, "dotInputs", dotInputs);
  define(env, exports, "norms", norms);
  define(env, exports, "quantiseRows", quantiseRows);
  define(env, exports, "swiGluRows", swiGluRows);
  define(env, exports, "addRows", addRows);
  define(env, exports, "rotateRows", rotateRows);
  define(env, exports, "attendRows", attendRows);
  define(env, exports, "recordNodes", callRecordNodes, nullptr);
  define(env, exports, "foldNodes", callFoldNodes, nullptr);
  return exports;
}
