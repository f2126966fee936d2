// GF(2^16), the field of the additive Fourier transform, as constants that the compiler works out.
//
// The field is a tower: x1^2 + x1 = 1, x2^2 + x2 = x1, x3^2 + x3 = x1 x2, x4^2 + x4 = x1 x2 x3. Bit i of an element is
// the coefficient of the product of those x_{j+1} whose bit j is set in i, so the low octet is the subfield GF(2^8).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace haris::field {

using Element = std::uint32_t;

// Product of two elements of the subfield of 2^bits elements, bits = 1, 2, 4, 8 or 16.
constexpr Element multiply(Element a, Element b, unsigned bits = 16) {
    if (bits == 1) return a & b;
    const unsigned half = bits / 2;
    const Element mask = (Element{1} << half) - 1;
    const Element low = multiply(a & mask, b & mask, half);
    const Element high = multiply(a >> half, b >> half, half);
    const Element both = multiply((a & mask) ^ (a >> half), (b & mask) ^ (b >> half), half);
    return (low ^ multiply(high, Element{1} << (half - 1), half)) | ((both ^ low) << half);
}

// Cantor's basis, v[i + 1]^2 + v[i + 1] = v[i]: D. G. Cantor, J. Comb. Theory A 50, 285 (1989).
inline constexpr std::array<Element, 16> kCantor = {0x0001, 0x0002, 0x0004, 0x000a, 0x0014, 0x0020, 0x004c, 0x00ae,
                                                    0x0152, 0x022e, 0x0480, 0x0a4c, 0x14fa, 0x2002, 0x4c32, 0xae98};

constexpr bool is_cantor_basis() {
    for (std::size_t i = 0; i + 1 < kCantor.size(); ++i)
        if ((multiply(kCantor[i + 1], kCantor[i + 1]) ^ kCantor[i + 1]) != kCantor[i]) return false;
    return kCantor[0] == 1;
}
static_assert(is_cantor_basis());

// The sum of those v[i] whose bit i is set in index, from two tables for the octets of index.
constexpr std::array<std::array<std::uint16_t, 256>, 2> points() {
    std::array<std::array<std::uint16_t, 256>, 2> sums{};
    for (unsigned half = 0; half < 2; ++half)
        for (unsigned index = 1; index < 256; ++index)
            for (unsigned i = 0; i < 8; ++i)
                if ((index >> i) & 1) sums[half][index] ^= static_cast<std::uint16_t>(kCantor[8 * half + i]);
    return sums;
}
inline constexpr std::array<std::array<std::uint16_t, 256>, 2> kPoints = points();

constexpr Element point(std::uint32_t index) {
    return static_cast<Element>(kPoints[0][index & 0xff] ^ kPoints[1][(index >> 8) & 0xff]);
}

// A linear map of octets: octet j is the image of bit j.
using Columns = std::uint64_t;

constexpr Columns octet_at(Element value, unsigned j) { return Columns{value & 0xff} << (8 * j); }

// Multiplication by each element of GF(2^8), which is linear in that element.
constexpr std::array<Columns, 256> multiplications() {
    std::array<Columns, 256> maps{};
    for (unsigned factor = 1; factor < 256; ++factor) {
        const unsigned lowest = factor & (0 - factor);
        if (factor != lowest) {
            maps[factor] = maps[factor ^ lowest] ^ maps[lowest];
            continue;
        }
        for (unsigned j = 0; j < 8; ++j) maps[factor] |= octet_at(multiply(factor, 1u << j, 8), j);
    }
    return maps;
}
inline constexpr std::array<Columns, 256> kMultiplications = multiplications();

constexpr Element kGenerator = 0x100;  // x4: outside GF(2^8), so its first sixteen powers are independent
constexpr unsigned kProductBits = 15;  // of two octets taken as polynomials in the generator

// The octets of the sum of bit j times the generator's power j.
struct Embedding {
    Columns low = 0, high = 0;
};
constexpr Embedding embedding() {
    Embedding maps;
    Element power = 1;
    for (unsigned j = 0; j < 8; ++j, power = multiply(power, kGenerator)) {
        maps.low |= octet_at(power, j);
        maps.high |= octet_at(power >> 8, j);
    }
    return maps;
}
inline constexpr Embedding kEmbedding = embedding();

// Row i of the inverse: which bits of an element make up the coefficient of the generator's power i.
constexpr std::array<Element, 16> coefficients() {
    std::array<Element, 16> rows{}, inverse{};
    Element power = 1;
    for (unsigned j = 0; j < 16; ++j, power = multiply(power, kGenerator)) {
        for (unsigned i = 0; i < 16; ++i) rows[i] |= ((power >> i) & 1) << j;
        inverse[j] = Element{1} << j;
    }
    for (unsigned column = 0; column < 16; ++column) {
        unsigned pivot = column;
        while (!((rows[pivot] >> column) & 1)) ++pivot;
        for (auto* matrix : {&rows, &inverse}) {
            const Element taken = (*matrix)[pivot];
            (*matrix)[pivot] = (*matrix)[column];
            (*matrix)[column] = taken;
        }
        for (unsigned i = 0; i < 16; ++i) {
            if (i == column || !((rows[i] >> column) & 1)) continue;
            rows[i] ^= rows[column];
            inverse[i] ^= inverse[column];
        }
    }
    return inverse;
}

// The product of two octets, d: its bits 7 to 14 in one octet (upper), its bits 0 to 6 in bits 1 to 7 of another
// (lower), each a map of the low octet of an element and one of its high octet.
struct Extraction {
    Columns upper_of_low = 0, upper_of_high = 0, lower_of_low = 0, lower_of_high = 0;
};
constexpr Extraction extraction() {
    constexpr std::array<Element, 16> rows = coefficients();
    Extraction maps;
    for (unsigned j = 0; j < 16; ++j) {
        Element image = 0;
        for (unsigned i = 0; i < kProductBits; ++i) image |= ((rows[i] >> j) & 1) << i;
        Columns& upper = j < 8 ? maps.upper_of_low : maps.upper_of_high;
        Columns& lower = j < 8 ? maps.lower_of_low : maps.lower_of_high;
        upper |= octet_at(image >> 7, j % 8);
        lower |= octet_at(image << 1, j % 8);
    }
    return maps;
}
inline constexpr Extraction kExtraction = extraction();

}  // namespace haris::field
