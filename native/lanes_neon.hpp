// The vector operations of the additive Fourier transform on arm64, with carry-less multiplication (PMULL).
#pragma once

#include <arm_neon.h>

#include "lanes_portable.hpp"
#include "nibble_tables.hpp"

namespace haris {

struct NeonLanes {
    using Octets = uint8x16_t;
    static constexpr std::size_t kOctets = 16;
    HARIS_INLINE static Octets load(const std::uint8_t* from) { return vld1q_u8(from); }
    HARIS_INLINE static void store(std::uint8_t* to, Octets x) { vst1q_u8(to, x); }
    HARIS_INLINE static Octets add(Octets a, Octets b) { return veorq_u8(a, b); }
    HARIS_INLINE static Octets zero() { return vdupq_n_u8(0); }

    using Entry = NibbleTables;
    static constexpr Entry entry(field::Columns columns) { return nibble_tables(columns); }
    struct Map {
        Octets low, high;
    };
    HARIS_INLINE static Map map(const Entry& entry) { return {load(entry.low), load(entry.high)}; }
    // The nibbles of octets, which are looked up one by one.
    struct Parts {
        Octets low, high;
    };
    HARIS_INLINE static Parts parts(Octets x) { return {vandq_u8(x, vdupq_n_u8(15)), vshrq_n_u8(x, 4)}; }
    HARIS_INLINE static Parts add(const Parts& a, const Parts& b) { return {add(a.low, b.low), add(a.high, b.high)}; }
    HARIS_INLINE static Octets apply(const Map& map, const Parts& x) {
        return add(vqtbl1q_u8(map.low, x.low), vqtbl1q_u8(map.high, x.high));
    }

    HARIS_INLINE static void plane_words(const std::uint8_t* octets, std::uint64_t* planes, std::size_t stride) {
        PortableLanes::plane_words(octets, planes, stride);
    }
    HARIS_INLINE static void word_octets(const std::uint64_t* planes, std::size_t stride, std::uint8_t* octets) {
        PortableLanes::word_octets(planes, stride, octets);
    }

    using Wide = uint64x2_t;
    static constexpr int kRows = 1;
    HARIS_INLINE static void planes(const std::uint8_t* a, const std::uint8_t* b, std::size_t row, std::size_t count,
                                    Wide* planes, std::size_t stride) {
        planes_by_words<NeonLanes>(a, b, row, count, planes, stride);
    }
    HARIS_INLINE static void octets(const Wide* planes, std::size_t stride, std::uint8_t* to, std::size_t row) {
        octets_by_words<NeonLanes>(planes, stride, to, row);
    }
    HARIS_INLINE static Wide load_wide(const std::uint64_t* from) { return vld1q_u64(from); }
    HARIS_INLINE static void store_wide(std::uint64_t* to, Wide x) { vst1q_u64(to, x); }
    HARIS_INLINE static Wide add(Wide a, Wide b) { return veorq_u64(a, b); }
    HARIS_INLINE static Wide up(Wide x) { return vextq_u64(vdupq_n_u64(0), x, 1); }
    HARIS_INLINE static Wide down(Wide x) { return vextq_u64(x, vdupq_n_u64(0), 1); }
    HARIS_INLINE static Wide clmul(Wide x, Wide y) {
        const auto low = static_cast<poly64_t>(vgetq_lane_u64(x, 0));
        const auto high = static_cast<poly64_t>(vgetq_lane_u64(y, 1));
        return vreinterpretq_u64_p128(vmull_p64(low, high));
    }
};

}  // namespace haris
