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

// Tiles of 2^kLevels leaves of every column, each times its part of the key, summed. Key and seed of a column lie `stride`
// words after, and `seed_stride` words before, those of the one ahead. A product takes the seed's leaves in the order of
// (T0 + T1) b, T1 (a + b), (T1 + T2) a.
template <class Lanes, unsigned kLevels>
struct Tile {
    static constexpr std::size_t kHalf = kLeafWords << (kLevels - 1), kHalfLeaves = std::size_t{1} << (kLevels - 1);
    using Half = Tile<Lanes, kLevels - 1>;
    static constexpr std::size_t kSeedWords = 3 * Half::kSeedWords;

    // sums: room for `columns` tiles' words; spare: for a tile's leaves.
    static void multiply(const std::uint64_t* key, std::size_t stride, const std::uint64_t* seed,
                         std::size_t seed_stride, std::size_t columns, std::uint64_t* sums, Leaf<Lanes>* out,
                         Leaf<Lanes>* spare) {
        for (std::size_t column = 0; column < columns; ++column)
            for (std::size_t i = 0; i < kHalf; i += 2 * Lanes::kPairs) {
                const std::uint64_t* a = key + column * stride + i;
                Lanes::store(sums + column * kHalf + i, Lanes::add(Lanes::load(a), Lanes::load(a + kHalf)));
            }
        std::uint64_t* const rest = sums + columns * kHalf;
        if constexpr (kLevels == 1) {
            Leaf<Lanes> first = Half::product(key + kHalf, stride, seed, seed_stride, columns);
            const Leaf<Lanes> both = Half::product(sums, kHalf, seed + Half::kSeedWords, seed_stride, columns);
            first.add(both);
            out[0] = first;
            Leaf<Lanes> second = Half::product(key, stride, seed + 2 * Half::kSeedWords, seed_stride, columns);
            second.add(both);
            out[1] = second;
        } else {
            Half::multiply(key + kHalf, stride, seed, seed_stride, columns, rest, out, spare);
            Half::multiply(key, stride, seed + 2 * Half::kSeedWords, seed_stride, columns, rest, out + kHalfLeaves,
                           spare);
            Half::multiply(sums, kHalf, seed + Half::kSeedWords, seed_stride, columns, rest, spare,
                           spare + kHalfLeaves);
            for (std::size_t i = 0; i < kHalfLeaves; ++i) {
                const Leaf<Lanes> both = spare[i];
                out[i].add(both);
                out[kHalfLeaves + i].add(both);
            }
        }
    }
};

template <class Lanes>
struct Tile<Lanes, 0> {
    static constexpr std::size_t kSeedWords = kLeafSeedWords;

    static inline __attribute__((always_inline)) Leaf<Lanes> product(const std::uint64_t* key, std::size_t stride,
                                                                     const std::uint64_t* seed,
                                                                     std::size_t seed_stride, std::size_t columns) {
        Leaf<Lanes> sum;
        sum.clear();
        for (std::size_t column = 0; column < columns; ++column)
            sum.add_product(key + column * stride, seed - column * seed_stride);
        return sum;
    }

    static void multiply(const std::uint64_t* key, std::size_t stride, const std::uint64_t* seed,
                         std::size_t seed_stride, std::size_t columns, std::uint64_t*, Leaf<Lanes>* out,
                         Leaf<Lanes>*) {
        *out = product(key, stride, seed, seed_stride, columns);
    }
};

template <class Lanes, unsigned kLevels>
void block_toeplitz_rows(const std::uint64_t* block, const std::uint64_t* leaves, const BlockToeplitzShape& shape,
                         std::uint64_t* scratch, std::uint64_t* out) {
    using Whole = Tile<Lanes, kLevels>;
    constexpr std::size_t kWords = kLeafWords << kLevels, kLeaves = std::size_t{1} << kLevels;
    auto* const sums = reinterpret_cast<Leaf<Lanes>*>(scratch + shape.columns * kWords);
    for (std::size_t row = 0; row < shape.rows; ++row) {
        const std::uint64_t* seed = leaves + (shape.columns - 1 + row) * Whole::kSeedWords;
        Whole::multiply(block, kWords, seed, Whole::kSeedWords, shape.columns, scratch, sums, sums + kLeaves);
        for (std::size_t leaf = 0; leaf < kLeaves; ++leaf, out += kLeafWords)
            Lanes::finish(sums[leaf].even, sums[leaf].odd, sums[leaf].last, out);
    }
}

template <class Lanes, unsigned kLevels = 0>
void block_toeplitz_hash(const std::uint64_t* block, const std::uint64_t* leaves, const BlockToeplitzShape& shape,
                         std::uint64_t* scratch, std::uint64_t* out) {
    if (shape.levels == kLevels) return block_toeplitz_rows<Lanes, kLevels>(block, leaves, shape, scratch, out);
    if constexpr (kLevels < kBlockToeplitzMostLevels)
        block_toeplitz_hash<Lanes, kLevels + 1>(block, leaves, shape, scratch, out);
}

}  // namespace haris
