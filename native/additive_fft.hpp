// Transforms over the rows of two planes of octets, the low and the high octet of elements of GF(2^16).
//
// Row r of 2^s rows is a polynomial's coefficient of index r; the twiddle factors are the same along a row, so rows may
// be of any length. The basis is that of Lin, Chung and Han (FOCS 2014), the points are sums of Cantor's basis; cf.
// Chen, Cheng, Kuo, Li, Yang, arXiv 1708.09746 (2017).
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "binary_field.hpp"

namespace haris {

template <class Isa>
class AdditiveFft {
    using Octets = typename Isa::Octets;
    using Map = typename Isa::Map;
    using Parts = typename Isa::Parts;
    using Entry = typename Isa::Entry;
    static constexpr std::size_t kStep = Isa::kOctets;

    template <std::size_t... I>
    static constexpr std::array<Entry, 256> entries(std::index_sequence<I...>) {
        return {Isa::entry(field::kMultiplications[I])...};
    }
    static constexpr std::array<Entry, 256> kEntries = entries(std::make_index_sequence<256>());

    // kTimesTop[t] = x1 x2 x3 t, as x4^2 = x4 + x1 x2 x3.
    static constexpr std::array<std::uint8_t, 256> times_top_octets() {
        std::array<std::uint8_t, 256> products{};
        for (unsigned t = 0; t < 256; ++t)
            for (unsigned bit = 0; bit < 8; ++bit)
                if ((t >> bit) & 1) products[t] ^= static_cast<std::uint8_t>(field::kMultiplications[0x80] >> (8 * bit));
        return products;
    }
    static constexpr std::array<std::uint8_t, 256> kTimesTop = times_top_octets();

    struct Pair {
        Octets low, high;
    };
    HARIS_INLINE static Pair load(const std::uint8_t* low, std::size_t plane) { return {Isa::load(low), Isa::load(low + plane)}; }
    HARIS_INLINE static void store(std::uint8_t* low, std::size_t plane, const Pair& x) {
        Isa::store(low, x.low);
        Isa::store(low + plane, x.high);
    }

    // A constant of GF(2^8) (Wide = false) or GF(2^16), ready to multiply.
    template <bool Wide>
    struct Factor {
        Map low, cross, both;
        HARIS_INLINE explicit Factor(field::Element t)
            : low(Isa::map(kEntries[t & 0xff])),
              cross(Wide ? Isa::map(kEntries[kTimesTop[t >> 8]]) : low),
              both(Wide ? Isa::map(kEntries[(t ^ (t >> 8)) & 0xff]) : low) {}

        // a += t b
        HARIS_INLINE void add_product(Pair& a, const Pair& b) const {
            const Parts b_low = Isa::parts(b.low), b_high = Isa::parts(b.high);
            const Octets common = Isa::apply(low, b_low);
            if constexpr (Wide) {
                a.low = Isa::add(a.low, Isa::add(common, Isa::apply(cross, b_high)));
                a.high = Isa::add(a.high, Isa::add(common, Isa::apply(both, Isa::add(b_low, b_high))));
            } else {
                a.low = Isa::add(a.low, common);
                a.high = Isa::add(a.high, Isa::apply(low, b_high));
            }
        }
    };
    HARIS_INLINE static void add(Pair& a, const Pair& b) {
        a.low = Isa::add(a.low, b.low);
        a.high = Isa::add(a.high, b.high);
    }
    template <bool Wide>
    HARIS_INLINE static void forward(Pair& a, Pair& b, const Factor<Wide>& t) {
        t.add_product(a, b);
        add(b, a);
    }
    template <bool Wide>
    HARIS_INLINE static void backward(Pair& a, Pair& b, const Factor<Wide>& t) {
        add(b, a);
        t.add_product(a, b);
    }

    template <bool Wide, bool Forward>
    HARIS_INLINE static void radix2(std::uint8_t* a, std::uint8_t* b, std::size_t plane, std::size_t octets, field::Element t) {
        const Factor<Wide> factor(t);
        for (std::size_t i = 0; i < octets; i += kStep) {
            Pair x = load(a + i, plane), y = load(b + i, plane);
            if constexpr (Forward) forward(x, y, factor);
            else backward(x, y, factor);
            store(a + i, plane, x);
            store(b + i, plane, y);
        }
    }

    // Two layers at once: t for the first, then u for rows 0 and 1 and v for rows 2 and 3.
    template <bool Wide, bool Forward>
    HARIS_INLINE static void radix4(std::uint8_t* const (&rows)[4], std::size_t plane, std::size_t octets, field::Element t,
                       field::Element u, field::Element v) {
        const Factor<Wide> first(t), second(u), third(v);
        for (std::size_t i = 0; i < octets; i += kStep) {
            Pair x0 = load(rows[0] + i, plane), x1 = load(rows[1] + i, plane);
            Pair x2 = load(rows[2] + i, plane), x3 = load(rows[3] + i, plane);
            if constexpr (Forward) {
                forward(x0, x2, first);
                forward(x1, x3, first);
                forward(x0, x1, second);
                forward(x2, x3, third);
            } else {
                backward(x0, x1, second);
                backward(x2, x3, third);
                backward(x0, x2, first);
                backward(x1, x3, first);
            }
            store(rows[0] + i, plane, x0);
            store(rows[1] + i, plane, x1);
            store(rows[2] + i, plane, x2);
            store(rows[3] + i, plane, x3);
        }
    }

  public:
    // to = upper + t lower, where lower and upper are the first and second stretch of `octets` at from.
    HARIS_INLINE static void fold(std::uint8_t* to, std::size_t plane, const std::uint8_t* from, std::size_t octets,
                                  std::size_t from_plane, field::Element t) {
        const Factor<true> factor(t);
        for (std::size_t i = 0; i < octets; i += kStep) {
            Pair x = load(from + octets + i, from_plane);
            factor.add_product(x, load(from + i, from_plane));
            store(to + i, plane, x);
        }
    }

    // One layer of the transposed inverse on two stretches that need not be next to each other; t lies in GF(2^8).
    static void transposed_inverse(std::uint8_t* a, std::uint8_t* b, std::size_t plane, std::size_t octets, field::Element t) {
        radix2<false, true>(b, a, plane, octets, t);
    }
    // b = t a. Here and in half_known t lies in GF(2^8).
    static void multiple(std::uint8_t* b, const std::uint8_t* a, std::size_t plane, std::size_t octets, field::Element t) {
        const Factor<false> factor(t);
        for (std::size_t i = 0; i < octets; i += kStep) {
            Pair y{Isa::zero(), Isa::zero()};
            factor.add_product(y, load(a + i, plane));
            store(b + i, plane, y);
        }
    }
    // The transposed inverse of a layer where a is given as it is before, b as it is after the layer: each as the other.
    static void half_known(std::uint8_t* a, std::uint8_t* b, std::size_t plane, std::size_t octets, field::Element t) {
        const Factor<false> factor(t);
        for (std::size_t i = 0; i < octets; i += kStep) {
            Pair x = load(a + i, plane);
            const Pair after = load(b + i, plane);
            Pair before = after;
            factor.add_product(before, x);
            add(x, after);
            store(a + i, plane, x);
            store(b + i, plane, before);
        }
    }

    // One layer (two) of the block-th of the blocks of 2 (4) times `octets`. Transposed: the transposed inverse, which
    // differs from the transform by the order of the rows.
    template <bool Forward, bool Transposed, unsigned Layers>
    HARIS_INLINE static void layers(std::uint8_t* data, std::size_t plane, std::size_t octets, std::uint32_t block) {
        if constexpr (Layers == 1) layer<Forward, Transposed>(data, plane, octets, block);
        else two_layers<Forward, Transposed>(data, plane, octets, block);
    }
    template <bool Forward, bool Transposed>
    HARIS_INLINE static void layer(std::uint8_t* data, std::size_t plane, std::size_t octets, std::uint32_t block) {
        std::uint8_t *a = data, *b = data + octets;
        if constexpr (Transposed) std::swap(a, b);
        const field::Element t = field::point(2 * block);
        if (t < 256) radix2<false, Forward>(a, b, plane, octets, t);
        else radix2<true, Forward>(a, b, plane, octets, t);
    }
    template <bool Forward, bool Transposed>
    HARIS_INLINE static void two_layers(std::uint8_t* data, std::size_t plane, std::size_t octets, std::uint32_t block) {
        std::uint8_t* rows[4] = {data, data + octets, data + 2 * octets, data + 3 * octets};
        const field::Element t = field::point(2 * block);
        field::Element u = field::point(4 * block), v = field::point(4 * block + 2);
        if constexpr (Transposed) {
            std::swap(rows[0], rows[3]);
            std::swap(rows[1], rows[2]);
            std::swap(u, v);
        }
        if ((t | u | v) < 256) radix4<false, Forward>(rows, plane, octets, t, u, v);
        else radix4<true, Forward>(rows, plane, octets, t, u, v);
    }

    // All layers of one block of 2^LogRows rows, few enough for the first-level cache.
    template <bool Forward, bool Transposed, unsigned LogRows, std::size_t Row>
    static void transform(std::uint8_t* data, std::size_t plane, std::uint32_t block) {
        if constexpr (LogRows > 0) {
            constexpr unsigned kLayers = LogRows == 1 ? 1 : 2;
            constexpr std::size_t kPart = Row << (LogRows - kLayers);
            if constexpr (Forward) layers<Forward, Transposed, kLayers>(data, plane, kPart, block);
            for (std::uint32_t i = 0; i < (1u << kLayers); ++i)
                transform<Forward, Transposed, LogRows - kLayers, Row>(data + i * kPart, plane, (block << kLayers) + i);
            if constexpr (!Forward) layers<Forward, Transposed, kLayers>(data, plane, kPart, block);
        }
    }

    // Octets to elements: each octet a polynomial in the field's generator. low: octets in, low octets out.
    static void embed(std::uint8_t* low, std::size_t plane, std::size_t octets) {
        static constexpr Entry kLow = Isa::entry(field::kEmbedding.low), kHigh = Isa::entry(field::kEmbedding.high);
        const Map to_low = Isa::map(kLow), to_high = Isa::map(kHigh);
        for (std::size_t i = 0; i < octets; i += kStep) {
            const Parts x = Isa::parts(Isa::load(low + i));
            store(low + i, plane, {Isa::apply(to_low, x), Isa::apply(to_high, x)});
        }
    }

    // Elements to the bits 7..14 of the polynomial (in the low plane) and 0..6 (in the high plane, shifted by one).
    static void extract(std::uint8_t* low, std::size_t plane, std::size_t octets) {
        static constexpr Entry kMaps[4] = {
            Isa::entry(field::kExtraction.upper_of_low), Isa::entry(field::kExtraction.upper_of_high),
            Isa::entry(field::kExtraction.lower_of_low), Isa::entry(field::kExtraction.lower_of_high)};
        const Map ul = Isa::map(kMaps[0]), uh = Isa::map(kMaps[1]);
        const Map ll = Isa::map(kMaps[2]), lh = Isa::map(kMaps[3]);
        for (std::size_t i = 0; i < octets; i += kStep) {
            const Pair x = load(low + i, plane);
            const Parts x_low = Isa::parts(x.low), x_high = Isa::parts(x.high);
            store(low + i, plane, {Isa::add(Isa::apply(ul, x_low), Isa::apply(uh, x_high)),
                                   Isa::add(Isa::apply(ll, x_low), Isa::apply(lh, x_high))});
        }
    }
};

}  // namespace haris
