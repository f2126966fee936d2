#include "checksum.hpp"

#include <array>

#include "cpu.hpp"
#include "target.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace haris {
namespace {

constexpr std::uint32_t kPolynomial = 0xEDB88320;  // bit-reversed

// Eight tables: what an octet does from 0 to 7 octets before the end ("slicing by eight").
constexpr std::array<std::array<std::uint32_t, 256>, 8> kTables = [] {
    std::array<std::array<std::uint32_t, 256>, 8> tables{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t c = i;
        for (int k = 0; k < 8; ++k) c = c & 1 ? c >> 1 ^ kPolynomial : c >> 1;
        tables[0][i] = c;
    }
    for (std::size_t t = 1; t < 8; ++t)
        for (std::size_t i = 0; i < 256; ++i) tables[t][i] = tables[t - 1][i] >> 8 ^ tables[0][tables[t - 1][i] & 0xFF];
    return tables;
}();

// The register after more octets, without the complements at both ends.
std::uint32_t portable(std::uint32_t crc, const std::uint8_t* p, std::size_t n) {
    for (; n >= 8; p += 8, n -= 8) {
        const std::uint32_t low = crc ^ (p[0] | p[1] << 8 | p[2] << 16 | static_cast<std::uint32_t>(p[3]) << 24);
        crc = kTables[7][low & 0xFF] ^ kTables[6][low >> 8 & 0xFF] ^ kTables[5][low >> 16 & 0xFF] ^
              kTables[4][low >> 24] ^ kTables[3][p[4]] ^ kTables[2][p[5]] ^ kTables[1][p[6]] ^ kTables[0][p[7]];
    }
    for (; n; ++p, --n) crc = crc >> 8 ^ kTables[0][(crc ^ *p) & 0xFF];
    return crc;
}

#if defined(__x86_64__)
HARIS_TARGET_BEGIN("pclmul,sse4.1")

inline __m128i load(const std::uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }

// x, carried past the octets that k stands for, onto next.
inline __m128i fold(__m128i x, __m128i k, __m128i next) {
    return _mm_xor_si128(_mm_xor_si128(_mm_clmulepi64_si128(x, k, 0x00), _mm_clmulepi64_si128(x, k, 0x11)), next);
}

// Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction", Intel (2009): the
// constants are x^(512 + 32), x^(512 - 32), x^(128 + 32), x^(128 - 32) modulo the polynomial, bit-reversed. The last
// 16 octets, which have the same remainder as all before them, go through the tables.
std::uint32_t carry_less(std::uint32_t crc, const std::uint8_t* p, std::size_t n) {
    if (n < 64) return portable(crc, p, n);
    const __m128i by_four = _mm_set_epi64x(0x1C6E41596, 0x154442BD4), by_one = _mm_set_epi64x(0x0CCAA009E, 0x1751997D0);
    __m128i a = _mm_xor_si128(load(p), _mm_cvtsi32_si128(static_cast<int>(crc)));
    __m128i b = load(p + 16), c = load(p + 32), d = load(p + 48);
    for (p += 64, n -= 64; n >= 64; p += 64, n -= 64) {
        a = fold(a, by_four, load(p));
        b = fold(b, by_four, load(p + 16));
        c = fold(c, by_four, load(p + 32));
        d = fold(d, by_four, load(p + 48));
    }
    a = fold(fold(fold(a, by_one, b), by_one, c), by_one, d);
    for (; n >= 16; p += 16, n -= 16) a = fold(a, by_one, load(p));
    std::uint8_t rest[16];
    _mm_storeu_si128(reinterpret_cast<__m128i*>(rest), a);
    return portable(portable(0, rest, 16), p, n);
}

HARIS_TARGET_END
#endif

}  // namespace

std::uint32_t crc32(const std::uint8_t* octets, std::size_t n, bool tables_only) {
#if defined(__x86_64__)
    if (!tables_only && has_clmul()) return ~carry_less(~0u, octets, n);
#endif
    return ~portable(~0u, octets, n);
}

}  // namespace haris
