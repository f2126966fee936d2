// Fisher and Yates's shuffle, from words that the caller draws.
#include "permutation_statistics.hpp"

#include <utility>

namespace haris {

void shuffle(std::uint8_t* values, const std::uint64_t* words, std::size_t n) {
    for (std::size_t i = n; i-- > 1;) {
        const auto j = static_cast<std::size_t>(static_cast<unsigned __int128>(words[i]) * (i + 1) >> 64);
        std::swap(values[i], values[j]);
    }
}

}  // namespace haris
