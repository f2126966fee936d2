// Public permutations of bits at the speed of memory: a butterfly network whose switches are drawn at random.
//
// The stage of distance 2^k swaps the bits at x and x + 2^k, where x has no bit k, if its mask has a one at x. After the
// stages of distances 2^top, ..., 2^level each bit is in any block of 2^level with equal probability, and two bits that
// share no switch are there independently. Within its block a bit stays in order: Cascade asks for no more.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "philox.hpp"

namespace haris {

struct Butterfly {
    const std::uint64_t* masks;  // a row of n_words words for each stage
    std::size_t n_stages;
    std::size_t n_words;

    // k of the first stage: the greatest distance within 64 n_words bits.
    static unsigned top(std::size_t n_words) { return static_cast<unsigned>(std::bit_width(64 * n_words - 1)) - 1; }

    void permute(const std::uint64_t* from, std::uint64_t* to) const {
        std::memcpy(to, from, n_words * sizeof(std::uint64_t));
        for (std::size_t stage = 0; stage < n_stages; ++stage) {
            const std::uint64_t* mask = masks + stage * n_words;
            const unsigned k = top(n_words) - static_cast<unsigned>(stage);
            if (k >= 6) swap_words(to, mask, std::size_t{1} << (k - 6));
            else swap_bits(to, mask, 1u << k);
        }
    }
    // Where the bits of some indices stand, in place; stage by stage, so that their many loads overlap.
    void positions(std::uint32_t* x, std::size_t count) const {
        for (std::size_t stage = 0; stage < n_stages; ++stage) step(x, count, stage);
    }
    // The indices of the bits at some positions, in place.
    void indices(std::uint32_t* x, std::size_t count) const {
        for (std::size_t stage = n_stages; stage-- > 0;) step(x, count, stage);
    }

private:
    void step(std::uint32_t* x, std::size_t count, std::size_t stage) const {
        const unsigned k = top(n_words) - static_cast<unsigned>(stage);
        const std::uint64_t* mask = masks + stage * n_words;
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint32_t low = x[i] & ~(1u << k);
            x[i] ^= static_cast<std::uint32_t>(mask[low >> 6] >> (low & 63) & 1) << k;
        }
    }
    void swap_words(std::uint64_t* words, const std::uint64_t* mask, std::size_t distance) const {
        for (std::size_t base = 0; base + distance < n_words; base += 2 * distance) {
            const std::size_t count = base + 2 * distance <= n_words ? distance : n_words - distance - base;
            std::uint64_t* low = words + base;
            std::uint64_t* high = low + distance;
            for (std::size_t word = 0; word < count; ++word) {
                const std::uint64_t swapped = (low[word] ^ high[word]) & mask[base + word];
                low[word] ^= swapped;
                high[word] ^= swapped;
            }
        }
    }
    void swap_bits(std::uint64_t* words, const std::uint64_t* mask, unsigned distance) const {
        for (std::size_t word = 0; word < n_words; ++word) {
            const std::uint64_t swapped = (words[word] ^ words[word] >> distance) & mask[word];
            words[word] ^= swapped ^ swapped << distance;
        }
    }
};

// The mask of the stage of distance 2^k, row `row` of a permutation's masks: words of a keyed stream where a bit has a
// partner, and zero elsewhere.
inline void butterfly_mask(const KeyedStream& stream, std::size_t row, unsigned k, std::size_t n_words,
                           std::uint64_t* mask) {
    std::uint64_t lanes = ~std::uint64_t{0};
    for (unsigned bit = 0; k < 6 && bit < 64; ++bit)
        if (bit >> k & 1) lanes &= ~(std::uint64_t{1} << bit);
    const std::size_t distance = k < 6 ? 0 : std::size_t{1} << (k - 6), n_blocks = (n_words + 3) / 4;
    for (std::size_t block = 0; block < n_blocks; ++block) {
        const Words4 words = stream.block(row * n_blocks + block);
        for (std::size_t word = 4 * block; word < 4 * block + 4 && word < n_words; ++word) {
            const bool has_partner = (word & distance) == 0 && word + distance < n_words;
            mask[word] = has_partner ? words[word & 3] & lanes : 0;
        }
    }
}

}  // namespace haris
