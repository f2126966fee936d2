#include "ldpc.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

#if defined(__x86_64__)
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // of GCC's own headers for AVX-512 (GCC bug 105593)
#endif
#include <immintrin.h>
#endif

namespace haris {
namespace {

constexpr std::size_t kMirror = 32;         // bits of a column that are kept twice: the widest vector
constexpr std::size_t kMaxDegree = 256;     // edges of a row
constexpr std::int16_t kClasses = 32;       // of |v|, two steps each
constexpr std::int16_t kLevels = 64;        // classes of a sum: four an octave
constexpr int kFirstLevel = (127 << 2);     // of a sum of 1: the exponent of a float and two bits of its fraction

namespace portable {
#define HARIS_TARGET
struct Lanes {
    static constexpr std::size_t width = 8;
    struct Vector {
        std::int16_t of[width];
    };
    template <typename F>
    static Vector each(F f) {
        Vector y;
        for (std::size_t i = 0; i < width; ++i) y.of[i] = static_cast<std::int16_t>(f(i));
        return y;
    }
    static unsigned u(std::int16_t x) { return static_cast<std::uint16_t>(x); }
    static Vector all(std::int16_t x) {
        return each([=](std::size_t) { return x; });
    }
    static Vector load(const std::int16_t* p) {
        return each([=](std::size_t i) { return p[i]; });
    }
    static Vector load_octets(const std::int8_t* p) {
        return each([=](std::size_t i) { return p[i]; });
    }
    static void store(std::int16_t* p, const Vector& x) { std::memcpy(p, x.of, sizeof x.of); }
    static void store_first(std::int16_t* p, const Vector& x, std::size_t n) { std::memcpy(p, x.of, n * sizeof *p); }
    static void store_octets(std::int8_t* p, const Vector& x) {
        for (std::size_t i = 0; i < width; ++i) p[i] = static_cast<std::int8_t>(x.of[i]);
    }
    static Vector add(const Vector& x, const Vector& y) {
        return each([&](std::size_t i) { return x.of[i] + y.of[i]; });
    }
    static Vector subtract(const Vector& x, const Vector& y) {
        return each([&](std::size_t i) { return x.of[i] - y.of[i]; });
    }
    static Vector add_saturated(const Vector& x, const Vector& y) {
        return each([&](std::size_t i) { return std::min(u(x.of[i]) + u(y.of[i]), 65535U); });
    }
    static Vector subtract_saturated(const Vector& x, const Vector& y) {
        return each([&](std::size_t i) { return u(x.of[i]) - std::min(u(x.of[i]), u(y.of[i])); });
    }
    static Vector exclusive_or(const Vector& x, const Vector& y) {
        return each([&](std::size_t i) { return x.of[i] ^ y.of[i]; });
    }
    static Vector abs(const Vector& x) {
        return each([&](std::size_t i) { return x.of[i] < 0 ? -x.of[i] : x.of[i]; });
    }
    static Vector min(const Vector& x, const Vector& y) {
        return each([&](std::size_t i) { return std::min(u(x.of[i]), u(y.of[i])); });
    }
    template <int n>
    static Vector shift_right(const Vector& x) {
        return each([&](std::size_t i) { return u(x.of[i]) >> n; });
    }
    static Vector where_equal(const Vector& a, const Vector& b, const Vector& x, const Vector& y) {
        return each([&](std::size_t i) { return a.of[i] == b.of[i] ? x.of[i] : y.of[i]; });
    }
    static Vector negate_where(const Vector& x, const Vector& negative) {
        return each([&](std::size_t i) { return negative.of[i] < 0 ? -x.of[i] : x.of[i]; });
    }
    static bool any_negative(const Vector& x) {
        int all_bits = 0;
        for (std::size_t i = 0; i < width; ++i) all_bits |= x.of[i];
        return all_bits < 0;
    }
    struct Tables {
        const std::uint16_t* weights;
        const std::int16_t* levels;
        Tables(const std::uint16_t* weight, const std::int16_t* level) : weights(weight), levels(level) {}
        Vector weight(const Vector& c) const {
            return each([&](std::size_t i) { return weights[c.of[i]]; });
        }
        Vector level(const Vector& sum) const {
            return each([&](std::size_t i) {
                const auto bits = std::bit_cast<std::int32_t>(static_cast<float>(u(sum.of[i])));
                return levels[std::max((bits >> 21) - kFirstLevel, 0)];
            });
        }
    };
};
#include "ldpc_rows.hpp"
#undef HARIS_TARGET
}  // namespace portable

#if defined(__x86_64__)
namespace avx2 {
#define HARIS_TARGET __attribute__((target("avx2")))
struct Lanes {
    static constexpr std::size_t width = 16;
    using Vector = __m256i;
    HARIS_TARGET static Vector all(std::int16_t x) { return _mm256_set1_epi16(x); }
    HARIS_TARGET static Vector load(const std::int16_t* p) {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    }
    HARIS_TARGET static Vector load_octets(const std::int8_t* p) {
        return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    }
    HARIS_TARGET static void store(std::int16_t* p, Vector x) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), x);
    }
    HARIS_TARGET static void store_first(std::int16_t* p, Vector x, std::size_t n) {
        std::memcpy(p, &x, n * sizeof *p);
    }
    HARIS_TARGET static void store_octets(std::int8_t* p, Vector x) {
        const __m128i octets = _mm_packs_epi16(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(p), octets);
    }
    HARIS_TARGET static Vector add(Vector x, Vector y) { return _mm256_add_epi16(x, y); }
    HARIS_TARGET static Vector subtract(Vector x, Vector y) { return _mm256_sub_epi16(x, y); }
    HARIS_TARGET static Vector add_saturated(Vector x, Vector y) { return _mm256_adds_epu16(x, y); }
    HARIS_TARGET static Vector subtract_saturated(Vector x, Vector y) { return _mm256_subs_epu16(x, y); }
    HARIS_TARGET static Vector exclusive_or(Vector x, Vector y) { return _mm256_xor_si256(x, y); }
    HARIS_TARGET static Vector abs(Vector x) { return _mm256_abs_epi16(x); }
    HARIS_TARGET static Vector min(Vector x, Vector y) { return _mm256_min_epu16(x, y); }
    template <int n>
    HARIS_TARGET static Vector shift_right(Vector x) {
        return _mm256_srli_epi16(x, n);
    }
    HARIS_TARGET static Vector where_equal(Vector a, Vector b, Vector x, Vector y) {
        return _mm256_blendv_epi8(y, x, _mm256_cmpeq_epi16(a, b));
    }
    HARIS_TARGET static Vector negate_where(Vector x, Vector negative) {
        const Vector mask = _mm256_srai_epi16(negative, 15);
        return _mm256_sub_epi16(_mm256_xor_si256(x, mask), mask);
    }
    HARIS_TARGET static bool any_negative(Vector x) {
        return (static_cast<unsigned>(_mm256_movemask_epi8(x)) & 0xAAAAAAAAU) != 0;
    }
    // Octet tables of 16, both halves alike, since a shuffle stays within its half.
    struct Tables {
        Vector weight_low[2], weight_high[2], levels[4];
        HARIS_TARGET Tables(const std::uint16_t* weight, const std::int16_t* level) {
            for (int part = 0; part < 2; ++part) {
                weight_low[part] = table(weight + 16 * part, 0);
                weight_high[part] = table(weight + 16 * part, 8);
            }
            for (int part = 0; part < 4; ++part) levels[part] = table(level + 16 * part, 0);
        }
        template <typename T>
        HARIS_TARGET static Vector table(const T* words, int shift) {
            std::uint8_t octets[16];
            for (int i = 0; i < 16; ++i) octets[i] = static_cast<std::uint8_t>(words[i] >> shift);
            return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(octets)));
        }
        HARIS_TARGET Vector weight(Vector c) const {
            const Vector coarse = _mm256_cmpgt_epi16(c, all(15)), low_octet = all(0x00FF);
            const Vector low = _mm256_blendv_epi8(_mm256_shuffle_epi8(weight_low[0], c),
                                                  _mm256_shuffle_epi8(weight_low[1], c), coarse);
            const Vector high = _mm256_blendv_epi8(_mm256_shuffle_epi8(weight_high[0], c),
                                                   _mm256_shuffle_epi8(weight_high[1], c), coarse);
            return _mm256_or_si256(_mm256_and_si256(low, low_octet), _mm256_slli_epi16(high, 8));
        }
        HARIS_TARGET Vector level(Vector sum) const {
            const Vector zero = _mm256_setzero_si256();
            const Vector low = bits(_mm256_unpacklo_epi16(sum, zero)), high = bits(_mm256_unpackhi_epi16(sum, zero));
            const Vector c = _mm256_subs_epu16(_mm256_packus_epi32(low, high), all(kFirstLevel));
            Vector found = _mm256_shuffle_epi8(levels[0], c);
            for (std::int16_t part = 1; part < 4; ++part) {
                const Vector beyond = _mm256_cmpgt_epi16(c, all(static_cast<std::int16_t>(16 * part - 1)));
                found = _mm256_blendv_epi8(found, _mm256_shuffle_epi8(levels[part], c), beyond);
            }
            return _mm256_and_si256(found, all(0x00FF));
        }
        HARIS_TARGET static Vector bits(Vector words) {
            return _mm256_srli_epi32(_mm256_castps_si256(_mm256_cvtepi32_ps(words)), 21);
        }
    };
};
#include "ldpc_rows.hpp"
#undef HARIS_TARGET
}  // namespace avx2

namespace avx512 {
#define HARIS_TARGET __attribute__((target("avx512f,avx512bw")))
struct Lanes {
    static constexpr std::size_t width = 32;
    using Vector = __m512i;
    HARIS_TARGET static Vector all(std::int16_t x) { return _mm512_set1_epi16(x); }
    HARIS_TARGET static Vector load(const std::int16_t* p) { return _mm512_loadu_si512(p); }
    HARIS_TARGET static Vector load_octets(const std::int8_t* p) {
        return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    }
    HARIS_TARGET static void store(std::int16_t* p, Vector x) { _mm512_storeu_si512(p, x); }
    HARIS_TARGET static void store_first(std::int16_t* p, Vector x, std::size_t n) {
        _mm512_mask_storeu_epi16(p, (__mmask32{1} << n) - 1, x);
    }
    HARIS_TARGET static void store_octets(std::int8_t* p, Vector x) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi16_epi8(x));
    }
    HARIS_TARGET static Vector add(Vector x, Vector y) { return _mm512_add_epi16(x, y); }
    HARIS_TARGET static Vector subtract(Vector x, Vector y) { return _mm512_sub_epi16(x, y); }
    HARIS_TARGET static Vector add_saturated(Vector x, Vector y) { return _mm512_adds_epu16(x, y); }
    HARIS_TARGET static Vector subtract_saturated(Vector x, Vector y) { return _mm512_subs_epu16(x, y); }
    HARIS_TARGET static Vector exclusive_or(Vector x, Vector y) { return _mm512_xor_si512(x, y); }
    HARIS_TARGET static Vector abs(Vector x) { return _mm512_abs_epi16(x); }
    HARIS_TARGET static Vector min(Vector x, Vector y) { return _mm512_min_epu16(x, y); }
    template <int n>
    HARIS_TARGET static Vector shift_right(Vector x) {
        return _mm512_srli_epi16(x, n);
    }
    HARIS_TARGET static Vector where_equal(Vector a, Vector b, Vector x, Vector y) {
        return _mm512_mask_blend_epi16(_mm512_cmpeq_epi16_mask(a, b), y, x);
    }
    HARIS_TARGET static Vector negate_where(Vector x, Vector negative) {
        return _mm512_mask_sub_epi16(x, _mm512_movepi16_mask(negative), _mm512_setzero_si512(), x);
    }
    HARIS_TARGET static bool any_negative(Vector x) { return _mm512_movepi16_mask(x) != 0; }
    struct Tables {
        Vector weights, levels[2];
        HARIS_TARGET Tables(const std::uint16_t* weight, const std::int16_t* level)
            : weights(_mm512_loadu_si512(weight)),
              levels{_mm512_loadu_si512(level), _mm512_loadu_si512(level + 32)} {}
        HARIS_TARGET Vector weight(Vector c) const { return _mm512_permutexvar_epi16(c, weights); }
        HARIS_TARGET Vector level(Vector sum) const {
            const Vector zero = _mm512_setzero_si512();
            const Vector low = bits(_mm512_unpacklo_epi16(sum, zero)), high = bits(_mm512_unpackhi_epi16(sum, zero));
            const Vector c = _mm512_subs_epu16(_mm512_packus_epi32(low, high), all(kFirstLevel));
            return _mm512_permutex2var_epi16(levels[0], c, levels[1]);
        }
        HARIS_TARGET static Vector bits(Vector words) {
            return _mm512_srli_epi32(_mm512_castps_si512(_mm512_cvtepi32_ps(words)), 21);
        }
    };
};
#include "ldpc_rows.hpp"
#undef HARIS_TARGET
}  // namespace avx512
#endif

// Calls copy(plain, place) for every kMirror messages: where they are outside and in the decoder's order.
template <typename F>
void each_message(const QuasiCyclic& code, F copy) {
    for (std::size_t row = 0; row < code.rows; ++row) {
        const std::size_t first = static_cast<std::size_t>(code.start[row]) * code.lifting;
        const auto degree = static_cast<std::size_t>(code.start[row + 1] - code.start[row]);
        for (std::size_t e = 0; e < degree; ++e)
            for (std::size_t z = 0; z < code.lifting; z += kMirror)
                copy(first + e * code.lifting + z, first + z * degree + e * kMirror);
    }
}

}  // namespace

void ldpc_syndrome(const QuasiCyclic& code, const std::uint8_t* bits, std::uint8_t* out) {
    const std::size_t lifting = code.lifting;
    std::memset(out, 0, code.rows * lifting);
    for (std::size_t row = 0; row < code.rows; ++row) {
        std::uint8_t* parity = out + row * lifting;
        for (std::int32_t e = code.start[row]; e < code.start[row + 1]; ++e) {
            const std::uint8_t* column = bits + static_cast<std::size_t>(code.column[e]) * lifting;
            const auto turned = static_cast<std::size_t>(code.shift[e]);
            for (std::size_t z = 0; z < lifting - turned; ++z) parity[z] ^= column[z + turned];
            for (std::size_t z = lifting - turned; z < lifting; ++z) parity[z] ^= column[z + turned - lifting];
        }
    }
}

int ldpc_decode(const QuasiCyclic& code, const std::uint8_t* syndrome, const std::uint16_t* weight,
                const std::int16_t* level, std::int16_t* posterior, std::int8_t* messages, int iterations,
                LdpcPath path) {
    const std::size_t lifting = code.lifting, mirrored = lifting + kMirror;
    std::vector<std::int16_t> signs(code.rows * lifting), bits(code.columns * mirrored);
    for (std::size_t i = 0; i < signs.size(); ++i) signs[i] = syndrome[i] ? INT16_MIN : 0;
    for (std::size_t column = 0; column < code.columns; ++column) {
        std::memcpy(&bits[column * mirrored], posterior + column * lifting, lifting * sizeof(std::int16_t));
        std::memcpy(&bits[column * mirrored + lifting], posterior + column * lifting, kMirror * sizeof(std::int16_t));
    }
    auto decode = portable::decode;
#if defined(__x86_64__)
    if (path == LdpcPath::avx2) decode = avx2::decode;
    if (path == LdpcPath::avx512) decode = avx512::decode;
#endif
    std::vector<std::int8_t> ordered(static_cast<std::size_t>(code.start[code.rows]) * lifting);
    each_message(code, [&](std::size_t plain, std::size_t place) {
        std::memcpy(&ordered[place], messages + plain, kMirror);
    });
    const int done = decode(code, signs.data(), weight, level, bits.data(), ordered.data(), iterations);
    each_message(code, [&](std::size_t plain, std::size_t place) {
        std::memcpy(messages + plain, &ordered[place], kMirror);
    });
    for (std::size_t column = 0; column < code.columns; ++column)
        std::memcpy(posterior + column * lifting, &bits[column * mirrored], lifting * sizeof(std::int16_t));
    return done;
}

const char* ldpc_fault(const QuasiCyclic& code, std::size_t edges) {
    if (code.rows < 1 || code.start[0] != 0) return "ldpc: start begins at 0 and has a row";
    if (code.columns < 1 || code.columns > 1 << 16) return "ldpc: 1 to 65536 columns";
    if (code.lifting < kMirror || code.lifting % kMirror != 0 || code.lifting > 1 << 16)
        return "ldpc: the lifting is a multiple of 32 up to 65536";
    if (edges > 1 << 20 || static_cast<std::size_t>(code.start[code.rows]) != edges)
        return "ldpc: start ends at the number of edges, at most 2^20";
    std::vector<std::size_t> seen(code.columns, 0);
    for (std::size_t row = 0; row < code.rows; ++row) {
        const std::int64_t from = code.start[row], to = code.start[row + 1];
        if (from < 0 || to < from + 2 || to > from + static_cast<std::int64_t>(kMaxDegree) ||
            to > static_cast<std::int64_t>(edges))
            return "ldpc: a row has 2 to 256 edges";
        for (std::int64_t e = from; e < to; ++e) {
            const std::int32_t column = code.column[e], shift = code.shift[e];
            if (column < 0 || static_cast<std::size_t>(column) >= code.columns)
                return "ldpc: a column that does not exist";
            if (shift < 0 || static_cast<std::size_t>(shift) >= code.lifting) return "ldpc: a shift beyond the lifting";
            if (seen[static_cast<std::size_t>(column)] == row + 1) return "ldpc: a row holds a column twice";
            seen[static_cast<std::size_t>(column)] = row + 1;
        }
    }
    return nullptr;
}

const char* ldpc_overflow(const QuasiCyclic& code, const std::int16_t* posterior) {
    std::vector<std::int64_t> edges(code.columns, 0);
    for (std::int32_t e = 0; e < code.start[code.rows]; ++e) ++edges[static_cast<std::size_t>(code.column[e])];
    for (std::size_t column = 0; column < code.columns; ++column) {
        const std::int16_t* bits = posterior + column * code.lifting;
        const auto [least, most] = std::minmax_element(bits, bits + code.lifting);
        if (std::max(-int{*least}, int{*most}) + 255 * edges[column] > INT16_MAX) return "ldpc: posterior may overflow";
    }
    return nullptr;
}

}  // namespace haris
