// The statistics of NIST SP 800-90B, 5.1.1 to 5.1.10, that are compared with those of shuffled samples.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nanobind {
class module_;
}

namespace haris {

constexpr std::size_t kStatistics = 18;

// values: samples as they are; symbols: as indices of their alphabet, below n_symbols (2: both are bits by their 8s where the
// standard converts them). Bit s of `wanted` asks for out[s]; the others stay as they are. mean is of values, median of symbols.
void permutation_statistics(const std::uint8_t* values, const std::uint8_t* symbols, std::size_t n, unsigned n_symbols,
                            double mean, double median, std::uint32_t wanted, double* out);

// Shuffles n values in place; word i in [1, n) chooses which of the first i + 1 comes to i.
void shuffle(std::uint8_t* values, const std::uint64_t* words, std::size_t n);

void bind_permutation_statistics(nanobind::module_& m);

}  // namespace haris
