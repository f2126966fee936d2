// Octets to planes of bits and back on x86-64, without a way through memory: sixteen octets of each of several rows lie
// in lanes of 128 bits. To be included under the target options of the path.
#pragma once

#include <immintrin.h>

#include "lanes_portable.hpp"

namespace haris {

// Vectors of so many lanes.
template <std::size_t Lanes>
struct LanesOf128;

template <>
struct LanesOf128<1> {
    using V = __m128i;
    static constexpr std::size_t kLanes = 1;
    static constexpr bool kTransposes = false;
    HARIS_INLINE static V load(const std::uint8_t* const (&rows)[1]) {
        return _mm_loadu_si128(reinterpret_cast<const V*>(rows[0]));
    }
    HARIS_INLINE static void store(std::uint8_t* to, std::size_t, V x) {
        _mm_storeu_si128(reinterpret_cast<V*>(to), x);
    }
    HARIS_INLINE static V every(std::uint8_t octet) { return _mm_set1_epi8(static_cast<char>(octet)); }
    HARIS_INLINE static V every(V lane) { return lane; }
    HARIS_INLINE static V add(V a, V b) { return _mm_xor_si128(a, b); }
    HARIS_INLINE static V both(V a, V b) { return _mm_and_si128(a, b); }
    template <int N> HARIS_INLINE static V left(V x) { return _mm_slli_epi16(x, N); }
    template <int N> HARIS_INLINE static V right(V x) { return _mm_srli_epi16(x, N); }
    HARIS_INLINE static V shuffle(V x, V order) { return _mm_shuffle_epi8(x, order); }
    HARIS_INLINE static V low16(V a, V b) { return _mm_unpacklo_epi16(a, b); }
    HARIS_INLINE static V high16(V a, V b) { return _mm_unpackhi_epi16(a, b); }
    HARIS_INLINE static V low32(V a, V b) { return _mm_unpacklo_epi32(a, b); }
    HARIS_INLINE static V high32(V a, V b) { return _mm_unpackhi_epi32(a, b); }
    HARIS_INLINE static V low64(V a, V b) { return _mm_unpacklo_epi64(a, b); }
    HARIS_INLINE static V high64(V a, V b) { return _mm_unpackhi_epi64(a, b); }
};

#if defined(HARIS_LANES_VPCLMUL)
template <>
struct LanesOf128<2> {
    using V = __m256i;
    static constexpr std::size_t kLanes = 2;
    static constexpr bool kTransposes = false;
    HARIS_INLINE static V load(const std::uint8_t* const (&rows)[2]) {
        return _mm256_loadu2_m128i(reinterpret_cast<const __m128i*>(rows[1]), reinterpret_cast<const __m128i*>(rows[0]));
    }
    HARIS_INLINE static void store(std::uint8_t* to, std::size_t row, V x) {
        _mm256_storeu2_m128i(reinterpret_cast<__m128i*>(to + row), reinterpret_cast<__m128i*>(to), x);
    }
    HARIS_INLINE static V every(std::uint8_t octet) { return _mm256_set1_epi8(static_cast<char>(octet)); }
    HARIS_INLINE static V every(__m128i lane) { return _mm256_broadcastsi128_si256(lane); }
    HARIS_INLINE static V add(V a, V b) { return _mm256_xor_si256(a, b); }
    HARIS_INLINE static V both(V a, V b) { return _mm256_and_si256(a, b); }
    template <int N> HARIS_INLINE static V left(V x) { return _mm256_slli_epi16(x, N); }
    template <int N> HARIS_INLINE static V right(V x) { return _mm256_srli_epi16(x, N); }
    HARIS_INLINE static V shuffle(V x, V order) { return _mm256_shuffle_epi8(x, order); }
    HARIS_INLINE static V low16(V a, V b) { return _mm256_unpacklo_epi16(a, b); }
    HARIS_INLINE static V high16(V a, V b) { return _mm256_unpackhi_epi16(a, b); }
    HARIS_INLINE static V low32(V a, V b) { return _mm256_unpacklo_epi32(a, b); }
    HARIS_INLINE static V high32(V a, V b) { return _mm256_unpackhi_epi32(a, b); }
    HARIS_INLINE static V low64(V a, V b) { return _mm256_unpacklo_epi64(a, b); }
    HARIS_INLINE static V high64(V a, V b) { return _mm256_unpackhi_epi64(a, b); }
};
#endif

#if defined(HARIS_LANES_GFNI)
template <>
struct LanesOf128<4> {
    using V = __m512i;
    static constexpr std::size_t kLanes = 4;
    static constexpr bool kTransposes = true;
    HARIS_INLINE static V load(const std::uint8_t* const (&rows)[4]) {
        V x = _mm512_castsi128_si512(_mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[0])));
        x = _mm512_inserti32x4(x, _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[1])), 1);
        x = _mm512_inserti32x4(x, _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[2])), 2);
        return _mm512_inserti32x4(x, _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[3])), 3);
    }
    HARIS_INLINE static void store(std::uint8_t* to, std::size_t row, V x) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_castsi512_si128(x));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to + row), _mm512_extracti32x4_epi32(x, 1));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 2 * row), _mm512_extracti32x4_epi32(x, 2));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 3 * row), _mm512_extracti32x4_epi32(x, 3));
    }
    HARIS_INLINE static V every(__m128i lane) { return _mm512_broadcast_i32x4(lane); }
    // Bit j of octet i in each eight octets becomes bit i of octet j. GF2P8AFFINEQB wants row 7 - i in octet i.
    HARIS_INLINE static V transposed(V x) {
        const V backwards = every(_mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
        const V identity = _mm512_set1_epi64(static_cast<long long>(0x8040201008040201));
        return _mm512_gf2p8affine_epi64_epi8(identity, shuffle(x, backwards), 0);
    }
    HARIS_INLINE static V shuffle(V x, V order) { return _mm512_shuffle_epi8(x, order); }
    HARIS_INLINE static V low16(V a, V b) { return _mm512_unpacklo_epi16(a, b); }
    HARIS_INLINE static V high16(V a, V b) { return _mm512_unpackhi_epi16(a, b); }
    HARIS_INLINE static V low32(V a, V b) { return _mm512_unpacklo_epi32(a, b); }
    HARIS_INLINE static V high32(V a, V b) { return _mm512_unpackhi_epi32(a, b); }
    HARIS_INLINE static V low64(V a, V b) { return _mm512_unpacklo_epi64(a, b); }
    HARIS_INLINE static V high64(V a, V b) { return _mm512_unpackhi_epi64(a, b); }
};
#endif

template <class L>
class PlaneSwaps {
    using V = typename L::V;

  public:
    // In every lane 64 octets of x, eight by eight, are transposed: octet i of group g becomes octet g of group i.
    HARIS_INLINE static void transpose(V (&x)[4]) {
        const V order = L::every(_mm_set_epi8(15, 7, 14, 6, 13, 5, 12, 4, 11, 3, 10, 2, 9, 1, 8, 0));
        for (V& v : x) v = L::shuffle(v, order);
        const V a = L::low16(x[0], x[1]), b = L::high16(x[0], x[1]), c = L::low16(x[2], x[3]), d = L::high16(x[2], x[3]);
        x[0] = L::low32(a, c);
        x[1] = L::high32(a, c);
        x[2] = L::low32(b, d);
        x[3] = L::high32(b, d);
    }

    // Bit j of an octet of x[i] becomes bit i of the same octet of x[j].
    HARIS_INLINE static void swap_bits(V (&x)[8]) {
        for (int i : {0, 1, 2, 3}) swap<4, 0x0f>(x[i], x[i + 4]);
        for (int i : {0, 1, 4, 5}) swap<2, 0x33>(x[i], x[i + 2]);
        for (int i : {0, 2, 4, 6}) swap<1, 0x55>(x[i], x[i + 1]);
    }

  private:
    template <int N, std::uint8_t Mask>
    HARIS_INLINE static void swap(V& x, V& y) {
        const V t = L::both(L::add(L::template right<N>(x), y), L::every(Mask));
        y = L::add(y, t);
        x = L::add(x, L::template left<N>(t));
    }
};

// As planes_by_words and octets_by_words. Where an instruction transposes eight octets of eight bits, it does; elsewhere
// bits are swapped between the planes.
template <class L>
HARIS_INLINE void planes_by_swaps(const std::uint8_t* a, const std::uint8_t* b, std::size_t row, std::size_t count,
                                  typename L::V* planes, std::size_t stride) {
    using V = typename L::V;
    V x[4], y[4], z[8];
    const std::uint8_t *a_rows[L::kLanes], *b_rows[L::kLanes];
    for (std::size_t part = 0; part < 4; ++part) {
        for (std::size_t r = 0; r < L::kLanes; ++r) {  // rows that are not there are row 0 again
            a_rows[r] = a + 16 * part + (r < count ? r * row : 0);
            b_rows[r] = b + 16 * part + (r < count ? r * row : 0);
        }
        x[part] = L::load(a_rows);
        y[part] = L::load(b_rows);
        if constexpr (L::kTransposes) {
            x[part] = L::transposed(x[part]);
            y[part] = L::transposed(y[part]);
        }
    }
    PlaneSwaps<L>::transpose(x);
    PlaneSwaps<L>::transpose(y);
    for (int i = 0; i < 4; ++i) {
        z[2 * i] = L::low64(x[i], y[i]);
        z[2 * i + 1] = L::high64(x[i], y[i]);
    }
    if constexpr (!L::kTransposes) PlaneSwaps<L>::swap_bits(z);
    for (std::size_t bit = 0; bit < 8; ++bit) planes[bit * stride] = z[bit];
}

template <class L>
HARIS_INLINE void octets_by_swaps(const typename L::V* planes, std::size_t stride, std::uint8_t* to, std::size_t row) {
    using V = typename L::V;
    V x[4], y[4], z[8];
    for (std::size_t bit = 0; bit < 8; ++bit) z[bit] = planes[bit * stride];
    if constexpr (!L::kTransposes) PlaneSwaps<L>::swap_bits(z);
    for (int i = 0; i < 4; ++i) {
        x[i] = L::low64(z[2 * i], z[2 * i + 1]);
        y[i] = L::high64(z[2 * i], z[2 * i + 1]);
    }
    PlaneSwaps<L>::transpose(x);
    PlaneSwaps<L>::transpose(y);
    for (std::size_t part = 0; part < 4; ++part) {
        if constexpr (L::kTransposes) {
            x[part] = L::transposed(x[part]);
            y[part] = L::transposed(y[part]);
        }
        L::store(to + 16 * part, row, x[part]);
        L::store(to + 64 + 16 * part, row, y[part]);
    }
}

}  // namespace haris
