// Toeplitz hashing over GF(2): y[i] = sum_j s[n - 1 + i - j] k[j], for privacy amplification.
#pragma once

#include <cstddef>
#include <cstdint>

#include <nanobind/nanobind.h>

namespace haris {

// Octets hold bits least significant first. key: n bits; seed: n + m - 1 bits; out: m bits, its last octet
// padded with zeros. Needs 1 <= m <= n. portable: take the path without PCLMULQDQ (same bits, slower).
void toeplitz(const std::uint8_t* key, std::size_t n, const std::uint8_t* seed, std::uint8_t* out, std::size_t m,
              bool portable);

void bind_toeplitz(nanobind::module_& module);

}  // namespace haris
