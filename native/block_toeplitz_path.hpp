// The product of one block by the prepared matrix, over the lanes of one instruction set. A vector holds kPairs pairs of
// words; low(x, y) and high(x, y) are the products of the first words of each pair, and of the second.
#pragma once

#include "block_toeplitz.hpp"

namespace haris {

template <class Lanes>
struct Leaf {
    using Vector = typename Lanes::Vector;
    static constexpr std::size_t kWords = 2 * Lanes::kPairs, kVectors = kLeafWords / kWords;

    // Products at even and at odd places before the last, and those of the last, not yet summed over the lanes.
    Vector even[kVectors], odd[kVectors], last;

    inline __attribute__((always_inline)) void clear() {
        for (std::size_t v = 0; v < kVectors; ++v) even[v] = odd[v] = Lanes::zero();
        last = Lanes::zero();
    }

    inline __attribute__((always_inline)) void add_product(const std::uint64_t* k, const std::uint64_t* seed) {
#pragma GCC unroll 4
        for (std::size_t b = 0; b < kLeafWords; b += 2, seed += 2 * kLeafWords) {
            const Vector first = Lanes::broadcast(k[b]), second = Lanes::broadcast(k[b + 1]);
#pragma GCC unroll 4
            for (std::size_t v = 0; v < kVectors; ++v) {
                const Vector s = Lanes::load(seed + v * kWords), t = Lanes::load(seed + kLeafWords + v * kWords);
                even[v] = Lanes::add(even[v], Lanes::low(first, s), Lanes::low(second, t));
                odd[v] = Lanes::add(odd[v], Lanes::high(first, s), Lanes::high(second, t));
            }
        }
#pragma GCC unroll 4
        for (std::size_t v = 0; v < kVectors; ++v) {
            const Vector words = Lanes::load(k + v * kWords), s = Lanes::load(seed + v * kWords);
            last = Lanes::add(last, Lanes::low(words, s), Lanes::high(words, s));
        }
    }

    inline __attribute__((always_inline)) void add(const Leaf& other) {
        for (std::size_t v = 0; v < kVectors; ++v) {
            even[v] = Lanes::add(even[v], other.even[v]);
            odd[v] = Lanes::add(odd[v], other.odd[v]);
        }
        last = Lanes::add(last, other.last);
    }
};

// Of each level: from parts of 2 h leaves (a, b) to parts of h leaves b, a + b, a.
template <class Lanes>
inline __attribute__((always_inline)) void spread(const std::uint64_t* from, std::uint64_t* to, std::size_t parts,
                                                  std::size_t half) {
    for (std::size_t part = 0; part < parts; ++part, from += 2 * half, to += 3 * half)
        for (std::size_t i = 0; i < half; i += 2 * Lanes::kPairs) {
            const auto a = Lanes::load(from + i), b = Lanes::load(from + half + i);
            Lanes::store(to + i, b);
            Lanes::store(to + half + i, Lanes::add(a, b));
            Lanes::store(to + 2 * half + i, a);
        }
}

template <class Lanes>
void block_toeplitz_hash(const std::uint64_t* block, const std::uint64_t* leaves, const BlockToeplitzShape& shape,
                         std::uint64_t* scratch, std::uint64_t* out) {
    const std::size_t products = shape.products(), tile_words = shape.tile_leaves() * kLeafWords;
    const std::size_t spread_words = products * kLeafWords;
    // scratch: the spread key of each column, one more to spread it in turns, and sums of products.
    std::uint64_t* const other = scratch + shape.columns * spread_words;
    for (std::size_t column = 0; column < shape.columns; ++column) {
        std::uint64_t* const to = scratch + column * spread_words;
        const std::uint64_t* from = block + column * tile_words;
        if (shape.levels == 0) std::memcpy(to, from, kLeafWords * sizeof *to);
        std::size_t parts = 1, half = tile_words / 2;
        for (unsigned level = 0; level < shape.levels; ++level, parts *= 3, half /= 2) {
            std::uint64_t* const next = (shape.levels - level) % 2 ? to : other;
            spread<Lanes>(from, next, parts, half);
            from = next;
        }
    }
    auto* const sums = reinterpret_cast<Leaf<Lanes>*>(other + spread_words);
    for (std::size_t row = 0; row < shape.rows; ++row) {
        for (std::size_t p = 0; p < products; ++p) {
            Leaf<Lanes> sum;
            sum.clear();
            for (std::size_t column = 0; column < shape.columns; ++column) {
                const std::size_t tile = shape.columns - 1 - column + row;
                sum.add_product(scratch + column * spread_words + p * kLeafWords,
                                leaves + (tile * products + p) * kLeafSeedWords);
            }
            sums[p] = sum;
        }
        // Back, level by level: parts of h leaves p0, p1, p2 become p0 + p1, p1 + p2.
        std::size_t parts = products / 3, half = 1;
        for (unsigned level = 0; level < shape.levels; ++level, parts /= 3, half *= 2)
            for (std::size_t part = 0; part < parts; ++part)
                for (std::size_t i = 0; i < half; ++i) {
                    const Leaf<Lanes>* from = sums + 3 * half * part + i;
                    Leaf<Lanes> first = from[0], second = from[half];
                    first.add(second);
                    second.add(from[2 * half]);
                    sums[2 * half * part + i] = first;
                    sums[2 * half * part + half + i] = second;
                }
        for (std::size_t leaf = 0; leaf < shape.tile_leaves(); ++leaf, out += kLeafWords)
            Lanes::finish(sums[leaf].even, sums[leaf].odd, sums[leaf].last, out);
    }
}

}  // namespace haris
