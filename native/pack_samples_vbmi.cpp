#if defined(__x86_64__)
#include "target.hpp"
HARIS_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi")
#include <immintrin.h>

#include "pack_samples.hpp"

namespace haris {

// 32 samples fill 4 bits octets: joined in pairs, then in fours, whose octets are moved together.
std::size_t pack_samples_vbmi(const std::uint16_t* codes, std::size_t n, unsigned bits, std::uint8_t* out) {
    const std::size_t octets = 4 * std::size_t{bits}, each = bits / 2;
    alignas(64) std::uint8_t places[64] = {};
    for (std::size_t i = 0; i < octets; ++i) places[i] = static_cast<std::uint8_t>(i / each * 8 + i % each);
    const __m512i together = _mm512_load_si512(places), low = _mm512_set1_epi64(0xffffffff);
    const __m512i factors = _mm512_set1_epi32(1 << (16 + bits) | 1);
    const __m128i up = _mm_cvtsi32_si128(static_cast<int>(2 * bits));
    const __mmask64 kept = (std::uint64_t{1} << octets) - 1;
    std::size_t i = 0;
    for (; i + 32 <= n; i += 32, out += octets) {
        const __m512i pairs = _mm512_madd_epi16(_mm512_loadu_si512(codes + i), factors);
        const __m512i upper = _mm512_maskz_sll_epi64(0xff, _mm512_maskz_srli_epi64(0xff, pairs, 32), up);
        const __m512i fours = _mm512_ternarylogic_epi64(upper, pairs, low, 0xF8);
        _mm512_mask_storeu_epi8(out, kept, _mm512_maskz_permutexvar_epi8(~__mmask64{0}, together, fours));
    }
    return i;
}

}  // namespace haris
HARIS_TARGET_END
#endif
