// Philox4x64-10, a counter-based generator: four random words for each counter, in any order.
// Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11 (2011).
#pragma once

#include <array>
#include <cstdint>

namespace haris {

using Words2 = std::array<std::uint64_t, 2>;
using Words4 = std::array<std::uint64_t, 4>;

inline Words4 philox4x64(Words4 counter, Words2 key) {
    using Wide = unsigned __int128;
    for (int round = 0; round < 10; ++round) {
        const Wide a = Wide{0xD2E7470EE14C6C93} * counter[0];
        const Wide b = Wide{0xCA5A826395121157} * counter[2];
        counter = {static_cast<std::uint64_t>(b >> 64) ^ counter[1] ^ key[0], static_cast<std::uint64_t>(b),
                   static_cast<std::uint64_t>(a >> 64) ^ counter[3] ^ key[1], static_cast<std::uint64_t>(a)};
        key[0] += 0x9E3779B97F4A7C15;  // the golden ratio
        key[1] += 0xBB67AE8584CAA73B;  // sqrt(3) - 1
    }
    return counter;
}

// 256 bits of key: two words are Philox's key, two stand above the 128-bit number of the block.
struct KeyedStream {
    Words2 key;
    Words2 upper;

    Words4 block(std::uint64_t number) const { return philox4x64({number, 0, upper[0], upper[1]}, key); }
};

// A double in [0, 1) from the top 53 bits of a word; its low 11 bits stay free for coin tosses.
inline double uniform(std::uint64_t word) { return static_cast<double>(word >> 11) * 0x1p-53; }

}  // namespace haris
