// Collision estimate: bits until one of the two comes again, 2 where the first two agree, or else 3.
#include "predictors.hpp"

namespace haris {

Collisions collision_times(const std::uint8_t* bits, std::size_t n) {
    std::size_t at = 0;
    std::int64_t n_times = 0;
    while (at + 1 < n) {
        const std::size_t size = bits[at] == bits[at + 1] ? 2 : 3;
        if (at + size > n) break;
        at += size;
        ++n_times;
    }
    return {n_times, static_cast<std::int64_t>(at)};
}

}  // namespace haris
