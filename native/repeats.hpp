// How often tuples of each length repeat in a sequence, from its suffixes in order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace nanobind {
class module_;
}

namespace haris {

struct Repeats {
    std::vector<std::int64_t> most;    // most[t - 1]: occurrences of the commonest t-tuple
    std::vector<std::uint64_t> pairs;  // pairs[t - 1]: pairs of equal t-tuples
};

// Tuples of each length from 1 to that of the longest repeated one. Symbols are below 2^width, width 1 to 8, n < 2^32.
Repeats tuple_repeats(const std::uint8_t* symbols, std::size_t n, unsigned width);

void bind_repeats(nanobind::module_& m);

}  // namespace haris
