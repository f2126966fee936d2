// Sum-product decoding of quasi-cyclic LDPC codes for soft channels, in floats, layer by layer.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ldpc.hpp"

namespace haris {

// Beliefs are log-likelihood ratios, above 0 for a 0. Each of the first `leaves` rows has one bit more, which stands in
// that row alone: leaf[row * lifting + z] is what the channel tells of it. posterior[columns * lifting] and
// messages[edges * lifting] are the state: decoding goes on from there. Such a leaf makes its check hold whatever the
// other bits are, so the end is told by the rows without one. Returns the iterations until these held, or -1.
// Needs a code without fault (ldpc_fault), and leaves <= rows. The result is the same to the bit on every path.
int sum_product_decode(const QuasiCyclic& code, std::size_t leaves, const float* leaf, const std::uint8_t* syndrome,
                       float* posterior, float* messages, int iterations, LdpcPath path);

void bind_sum_product(nanobind::module_& module);

}  // namespace haris
