#if defined(__x86_64__)
#include "target.hpp"
HARIS_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,vpclmulqdq")
#include <immintrin.h>

#include "block_toeplitz_path.hpp"

namespace haris {
namespace {

struct Avx512Pairs {
    using Vector = __m512i;
    static constexpr std::size_t kPairs = 4;
    static Vector zero() { return _mm512_setzero_si512(); }
    static Vector load(const std::uint64_t* from) { return _mm512_loadu_si512(from); }
    static void store(std::uint64_t* to, Vector x) { _mm512_storeu_si512(to, x); }
    static Vector broadcast(std::uint64_t x) { return _mm512_set1_epi64(static_cast<long long>(x)); }
    static Vector add(Vector a, Vector b) { return _mm512_xor_si512(a, b); }
    static Vector add(Vector a, Vector b, Vector c) { return _mm512_ternarylogic_epi64(a, b, c, 0x96); }
    static Vector low(Vector x, Vector y) { return _mm512_clmulepi64_epi128(x, y, 0x00); }
    static Vector high(Vector x, Vector y) { return _mm512_clmulepi64_epi128(x, y, 0x11); }
    static void finish(const Vector* even, const Vector* odd, Vector last, std::uint64_t* out) {
        last = add(last, _mm512_shuffle_i64x2(last, last, 0x4E));
        last = add(last, _mm512_shuffle_i64x2(last, last, 0xB1));
        const Vector next = _mm512_alignr_epi64(last, *even, 2);
        store(out, add(_mm512_unpacklo_epi64(*odd, next), _mm512_unpackhi_epi64(*even, *odd)));
    }
};

}  // namespace

void block_toeplitz_avx512(const std::uint64_t* block, const std::uint64_t* leaves, const BlockToeplitzShape& shape,
                           std::uint64_t* scratch, std::uint64_t* out) {
    block_toeplitz_hash<Avx512Pairs>(block, leaves, shape, scratch, out);
}

}  // namespace haris
HARIS_TARGET_END
#endif
