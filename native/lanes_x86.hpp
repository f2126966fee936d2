// The vector operations of the additive Fourier transform on x86-64. To be included under the target options of the
// path: AVX2 and PCLMULQDQ; AVX-512 (F, BW, DQ, VL) and PCLMULQDQ; the same with GFNI and VPCLMULQDQ.
#pragma once

#include <immintrin.h>

#include "lanes_portable.hpp"
#include "nibble_tables.hpp"
#include "planes_x86.hpp"

namespace haris {

struct ClmulLanes {
    using Wide = __m128i;
    static constexpr int kRows = 1;
    HARIS_INLINE static Wide load_wide(const std::uint64_t* from) {
        // Two words apart, as they were stored apart: a load of both would wait for the stores.
        const __m128i low = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
        return _mm_castpd_si128(_mm_loadh_pd(_mm_castsi128_pd(low), reinterpret_cast<const double*>(from + 1)));
    }
    HARIS_INLINE static void store_wide(std::uint64_t* to, Wide x) { _mm_store_si128(reinterpret_cast<Wide*>(to), x); }
    HARIS_INLINE static Wide add(Wide a, Wide b) { return _mm_xor_si128(a, b); }
    HARIS_INLINE static Wide up(Wide x) { return _mm_slli_si128(x, 8); }
    HARIS_INLINE static Wide down(Wide x) { return _mm_srli_si128(x, 8); }
    HARIS_INLINE static Wide clmul(Wide x, Wide y) { return _mm_clmulepi64_si128(x, y, 0x10); }
};

#if defined(HARIS_LANES_AVX2)
struct Avx2Lanes : ClmulLanes {
    using ClmulLanes::add;
    using Octets = __m256i;
    static constexpr std::size_t kOctets = 32;
    HARIS_INLINE static Octets load(const std::uint8_t* from) {
        return _mm256_loadu_si256(reinterpret_cast<const Octets*>(from));
    }
    HARIS_INLINE static void store(std::uint8_t* to, Octets x) { _mm256_storeu_si256(reinterpret_cast<Octets*>(to), x); }
    HARIS_INLINE static Octets add(Octets a, Octets b) { return _mm256_xor_si256(a, b); }
    HARIS_INLINE static Octets zero() { return _mm256_setzero_si256(); }

    using Entry = NibbleTables;
    static constexpr Entry entry(field::Columns columns) { return nibble_tables(columns); }
    struct Map {
        Octets low, high;
    };
    HARIS_INLINE static Map map(const Entry& entry) {
        return {_mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(entry.low))),
                _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(entry.high)))};
    }
    // The nibbles of octets, which are looked up one by one.
    struct Parts {
        Octets low, high;
    };
    HARIS_INLINE static Parts parts(Octets x) {
        const Octets nibble = _mm256_set1_epi8(15);
        return {_mm256_and_si256(x, nibble), _mm256_and_si256(_mm256_srli_epi16(x, 4), nibble)};
    }
    HARIS_INLINE static Parts add(const Parts& a, const Parts& b) { return {add(a.low, b.low), add(a.high, b.high)}; }
    HARIS_INLINE static Octets apply(const Map& map, const Parts& x) {
        return add(_mm256_shuffle_epi8(map.low, x.low), _mm256_shuffle_epi8(map.high, x.high));
    }

    HARIS_INLINE static void planes(const std::uint8_t* a, const std::uint8_t* b, std::size_t row, std::size_t count,
                                    Wide* planes, std::size_t stride) {
        planes_by_swaps<LanesOf128<kRows>>(a, b, row, count, planes, stride);
    }
    HARIS_INLINE static void octets(const Wide* planes, std::size_t stride, std::uint8_t* to, std::size_t row) {
        octets_by_swaps<LanesOf128<kRows>>(planes, stride, to, row);
    }
};
#endif

#if defined(HARIS_LANES_VPCLMUL)
struct VpclmulLanes : Avx2Lanes {
    using Avx2Lanes::add;
    using Wide = __m256i;
    static constexpr int kRows = 2;
    HARIS_INLINE static Wide add(Wide a, Wide b) { return _mm256_xor_si256(a, b); }
    HARIS_INLINE static Wide up(Wide x) { return _mm256_slli_si256(x, 8); }
    HARIS_INLINE static Wide down(Wide x) { return _mm256_srli_si256(x, 8); }
    HARIS_INLINE static Wide clmul(Wide x, Wide y) { return _mm256_clmulepi64_epi128(x, y, 0x10); }

    HARIS_INLINE static void planes(const std::uint8_t* a, const std::uint8_t* b, std::size_t row, std::size_t count,
                                    Wide* planes, std::size_t stride) {
        planes_by_swaps<LanesOf128<kRows>>(a, b, row, count, planes, stride);
    }
    HARIS_INLINE static void octets(const Wide* planes, std::size_t stride, std::uint8_t* to, std::size_t row) {
        octets_by_swaps<LanesOf128<kRows>>(planes, stride, to, row);
    }
};
#endif

#if defined(HARIS_LANES_AVX512)
struct Avx512Lanes : ClmulLanes {
    using ClmulLanes::add;
    using Octets = __m512i;
    static constexpr std::size_t kOctets = 64;
    HARIS_INLINE static Octets load(const std::uint8_t* from) { return _mm512_loadu_si512(from); }
    HARIS_INLINE static void store(std::uint8_t* to, Octets x) { _mm512_storeu_si512(to, x); }
    HARIS_INLINE static Octets add(Octets a, Octets b) { return _mm512_xor_si512(a, b); }
    HARIS_INLINE static Octets zero() { return _mm512_setzero_si512(); }

    using Entry = NibbleTables;
    static constexpr Entry entry(field::Columns columns) { return nibble_tables(columns); }
    struct Map {
        Octets low, high;
    };
    HARIS_INLINE static Map map(const Entry& entry) {
        return {_mm512_broadcast_i32x4(_mm_load_si128(reinterpret_cast<const __m128i*>(entry.low))),
                _mm512_broadcast_i32x4(_mm_load_si128(reinterpret_cast<const __m128i*>(entry.high)))};
    }
    // The nibbles of octets, which are looked up one by one.
    struct Parts {
        Octets low, high;
    };
    HARIS_INLINE static Parts parts(Octets x) {
        const Octets nibble = _mm512_set1_epi8(15);
        return {_mm512_and_si512(x, nibble), _mm512_and_si512(_mm512_srli_epi16(x, 4), nibble)};
    }
    HARIS_INLINE static Parts add(const Parts& a, const Parts& b) { return {add(a.low, b.low), add(a.high, b.high)}; }
    HARIS_INLINE static Octets apply(const Map& map, const Parts& x) {
        return add(_mm512_shuffle_epi8(map.low, x.low), _mm512_shuffle_epi8(map.high, x.high));
    }

    HARIS_INLINE static void planes(const std::uint8_t* a, const std::uint8_t* b, std::size_t row, std::size_t count,
                                    Wide* planes, std::size_t stride) {
        planes_by_words<Avx512Lanes>(a, b, row, count, planes, stride);
    }
    HARIS_INLINE static void octets(const Wide* planes, std::size_t stride, std::uint8_t* to, std::size_t row) {
        octets_by_words<Avx512Lanes>(planes, stride, to, row);
    }
    HARIS_INLINE static void plane_words(const std::uint8_t* octets, std::uint64_t* planes, std::size_t stride) {
        const Octets x = load(octets);
        for (int bit = 0; bit < 8; ++bit)
            planes[static_cast<std::size_t>(bit) * stride] =
                _mm512_test_epi8_mask(x, _mm512_set1_epi8(static_cast<char>(1 << bit)));
    }
    HARIS_INLINE static void word_octets(const std::uint64_t* planes, std::size_t stride, std::uint8_t* octets) {
        Octets sum = _mm512_setzero_si512();
        for (int bit = 0; bit < 8; ++bit)
            sum = _mm512_mask_add_epi8(sum, planes[static_cast<std::size_t>(bit) * stride], sum, _mm512_set1_epi8(static_cast<char>(1 << bit)));
        store(octets, sum);
    }
};
#endif

#if defined(HARIS_LANES_GFNI)
struct GfniLanes : Avx512Lanes {
    using Entry = std::uint64_t;
    // GF2P8AFFINEQB wants row 7 - i in octet i.
    static constexpr Entry entry(field::Columns columns) {
        Entry matrix = 0;
        for (unsigned row = 0; row < 8; ++row)
            for (unsigned column = 0; column < 8; ++column)
                matrix |= ((columns >> (8 * column + row)) & 1) << (8 * (7 - row) + column);
        return matrix;
    }
    using Map = Octets;
    HARIS_INLINE static Map map(const Entry& entry) { return _mm512_set1_epi64(static_cast<long long>(entry)); }
    using Parts = Octets;
    HARIS_INLINE static Parts parts(Octets x) { return x; }
    HARIS_INLINE static Octets apply(Map map, Parts x) { return _mm512_gf2p8affine_epi64_epi8(x, map, 0); }

    using Wide = __m512i;
    static constexpr int kRows = 4;
    HARIS_INLINE static Wide load_wide(const std::uint64_t* from) { return _mm512_load_si512(from); }
    HARIS_INLINE static void store_wide(std::uint64_t* to, Wide x) { _mm512_store_si512(to, x); }
    HARIS_INLINE static Wide add(Wide a, Wide b) { return _mm512_xor_si512(a, b); }
    HARIS_INLINE static Wide up(Wide x) { return _mm512_bslli_epi128(x, 8); }
    HARIS_INLINE static Wide down(Wide x) { return _mm512_bsrli_epi128(x, 8); }
    HARIS_INLINE static Wide clmul(Wide x, Wide y) { return _mm512_clmulepi64_epi128(x, y, 0x10); }

    HARIS_INLINE static void planes(const std::uint8_t* a, const std::uint8_t* b, std::size_t row, std::size_t count,
                                    Wide* planes, std::size_t stride) {
        planes_by_swaps<LanesOf128<kRows>>(a, b, row, count, planes, stride);
    }
    HARIS_INLINE static void octets(const Wide* planes, std::size_t stride, std::uint8_t* to, std::size_t row) {
        octets_by_swaps<LanesOf128<kRows>>(planes, stride, to, row);
    }
};
#endif

}  // namespace haris
