// The vector operations of the additive Fourier transform in plain C++: eight octets at a time.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "binary_field.hpp"

// Short operations inside loops: the compiler's own thresholds stop short of them in so large a unit.
#define HARIS_INLINE __attribute__((always_inline)) inline

namespace haris {

static_assert(std::endian::native == std::endian::little, "bits are read as little-endian words");

// Octet i bit j becomes octet j bit i (H. S. Warren, Hacker's Delight, 7-3).
inline std::uint64_t transposed_octets(std::uint64_t x) {
    std::uint64_t t = (x ^ (x >> 7)) & 0x00aa00aa00aa00aa;
    x ^= t ^ (t << 7);
    t = (x ^ (x >> 14)) & 0x0000cccc0000cccc;
    x ^= t ^ (t << 14);
    t = (x ^ (x >> 28)) & 0x00000000f0f0f0f0;
    return x ^ t ^ (t << 28);
}

// Planes of bits by way of memory, for instruction sets that give words: Isa::plane_words takes 64 octets to eight words,
// one for each bit, and Isa::word_octets back; words[i * stride] holds bit i.
//
// planes: row r < count of a and of b to lanes [a | b] of eight planes, which lie `stride` apart. octets: two words a
// lane back to 128 octets for each row.
template <class Isa, class Wide>
HARIS_INLINE void planes_by_words(const std::uint8_t* a, const std::uint8_t* b, std::size_t row, std::size_t count,
                                  Wide* planes, std::size_t stride) {
    alignas(64) std::uint64_t words[8][Isa::kRows][2]{};
    for (std::size_t r = 0; r < count; ++r) {
        Isa::plane_words(a + r * row, &words[0][r][0], 2 * Isa::kRows);
        Isa::plane_words(b + r * row, &words[0][r][1], 2 * Isa::kRows);
    }
    for (std::size_t bit = 0; bit < 8; ++bit) planes[bit * stride] = Isa::load_wide(&words[bit][0][0]);
}
template <class Isa, class Wide>
HARIS_INLINE void octets_by_words(const Wide* planes, std::size_t stride, std::uint8_t* to, std::size_t row) {
    alignas(64) std::uint64_t words[8][Isa::kRows][2];
    for (std::size_t bit = 0; bit < 8; ++bit) Isa::store_wide(&words[bit][0][0], planes[bit * stride]);
    for (std::size_t r = 0; r < Isa::kRows; ++r) {
        Isa::word_octets(&words[0][r][0], 2 * Isa::kRows, to + r * row);
        Isa::word_octets(&words[0][r][1], 2 * Isa::kRows, to + r * row + 64);
    }
}

struct PortableLanes {
    // Octets, one octet of each of kOctets elements.
    using Octets = std::uint64_t;
    static constexpr std::size_t kOctets = 8;
    HARIS_INLINE static Octets load(const std::uint8_t* from) {
        Octets x;
        std::memcpy(&x, from, sizeof x);
        return x;
    }
    HARIS_INLINE static void store(std::uint8_t* to, Octets x) { std::memcpy(to, &x, sizeof x); }
    HARIS_INLINE static Octets add(Octets a, Octets b) { return a ^ b; }
    HARIS_INLINE static Octets zero() { return 0; }

    // A linear map of octets, and how it lies in tables. No access to memory depends on the octets.
    using Entry = field::Columns;
    static constexpr Entry entry(field::Columns columns) { return columns; }
    using Map = field::Columns;
    HARIS_INLINE static Map map(const Entry& entry) { return entry; }
    using Parts = Octets;  // what a map is applied to
    HARIS_INLINE static Parts parts(Octets x) { return x; }
    HARIS_INLINE static Octets apply(Map map, Parts x) {
        Octets image = 0;
        for (unsigned bit = 0; bit < 8; ++bit)
            image ^= ((x >> bit) & 0x0101010101010101) * ((map >> (8 * bit)) & 0xff);
        return image;
    }

    HARIS_INLINE static void plane_words(const std::uint8_t* octets, std::uint64_t* planes, std::size_t stride) {
        for (unsigned group = 0; group < 8; ++group) {
            const std::uint64_t x = transposed_octets(load(octets + 8 * group));
            for (unsigned bit = 0; bit < 8; ++bit) {
                std::uint64_t& plane = planes[bit * stride];
                plane = (group ? plane : 0) | (((x >> (8 * bit)) & 0xff) << (8 * group));
            }
        }
    }
    HARIS_INLINE static void word_octets(const std::uint64_t* planes, std::size_t stride, std::uint8_t* octets) {
        for (unsigned group = 0; group < 8; ++group) {
            std::uint64_t x = 0;
            for (unsigned bit = 0; bit < 8; ++bit) x |= ((planes[bit * stride] >> (8 * group)) & 0xff) << (8 * bit);
            store(octets + 8 * group, transposed_octets(x));
        }
    }

    // Lanes of two words.
    struct Wide {
        std::uint64_t low, high;
    };
    static constexpr int kRows = 1;
    HARIS_INLINE static void planes(const std::uint8_t* a, const std::uint8_t* b, std::size_t row, std::size_t count,
                                    Wide* planes, std::size_t stride) {
        planes_by_words<PortableLanes>(a, b, row, count, planes, stride);
    }
    HARIS_INLINE static void octets(const Wide* planes, std::size_t stride, std::uint8_t* to, std::size_t row) {
        octets_by_words<PortableLanes>(planes, stride, to, row);
    }
    HARIS_INLINE static Wide load_wide(const std::uint64_t* from) { return {from[0], from[1]}; }
    HARIS_INLINE static void store_wide(std::uint64_t* to, Wide x) {
        to[0] = x.low;
        to[1] = x.high;
    }
    HARIS_INLINE static Wide add(Wide a, Wide b) { return {a.low ^ b.low, a.high ^ b.high}; }
    HARIS_INLINE static Wide up(Wide x) { return {0, x.low}; }
    HARIS_INLINE static Wide down(Wide x) { return {x.high, 0}; }

    // Carry-less product by integer products with holes for the carries (T. Pornin, BearSSL, ghash_ctmul64.c).
    static std::uint64_t clmul_low(std::uint64_t a, std::uint64_t b) {
        std::uint64_t product = 0;
        for (unsigned rest = 0; rest < 4; ++rest) {
            std::uint64_t sum = 0;
            for (unsigned i = 0; i < 4; ++i)
                sum ^= (a & (kEveryFourth << i)) * (b & (kEveryFourth << ((rest - i) & 3)));
            product |= sum & (kEveryFourth << rest);
        }
        return product;
    }
    static std::uint64_t reversed(std::uint64_t x) {
        x = ((x >> 1) & 0x5555555555555555) | ((x & 0x5555555555555555) << 1);
        x = ((x >> 2) & 0x3333333333333333) | ((x & 0x3333333333333333) << 2);
        x = ((x >> 4) & 0x0f0f0f0f0f0f0f0f) | ((x & 0x0f0f0f0f0f0f0f0f) << 4);
        return __builtin_bswap64(x);
    }
    static Wide clmul(Wide x, Wide y) {
        return {clmul_low(x.low, y.high), reversed(clmul_low(reversed(x.low), reversed(y.high))) >> 1};
    }

  private:
    static constexpr std::uint64_t kEveryFourth = 0x1111111111111111;
};

}  // namespace haris
