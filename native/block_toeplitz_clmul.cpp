#if defined(__x86_64__)
#include "target.hpp"
HARIS_TARGET_BEGIN("avx,pclmul")
#include <immintrin.h>

#include "block_toeplitz_path.hpp"

namespace haris {
namespace {

struct ClmulPairs {
    using Vector = __m128i;
    static constexpr std::size_t kPairs = 1;
    static Vector zero() { return _mm_setzero_si128(); }
    static Vector load(const std::uint64_t* from) { return _mm_loadu_si128(reinterpret_cast<const Vector*>(from)); }
    static void store(std::uint64_t* to, Vector x) { _mm_storeu_si128(reinterpret_cast<Vector*>(to), x); }
    static Vector broadcast(std::uint64_t x) { return _mm_set1_epi64x(static_cast<long long>(x)); }
    static Vector add(Vector a, Vector b) { return _mm_xor_si128(a, b); }
    static Vector add(Vector a, Vector b, Vector c) { return add(a, add(b, c)); }
    static Vector low(Vector x, Vector y) { return _mm_clmulepi64_si128(x, y, 0x00); }
    static Vector high(Vector x, Vector y) { return _mm_clmulepi64_si128(x, y, 0x11); }
    static void finish(const Vector* even, const Vector* odd, Vector last, std::uint64_t* out) {
        for (std::size_t v = 0; v < 4; ++v) {
            const Vector next = v < 3 ? even[v + 1] : last;
            store(out + 2 * v, add(_mm_unpacklo_epi64(odd[v], next), _mm_unpackhi_epi64(even[v], odd[v])));
        }
    }
};

}  // namespace

void block_toeplitz_clmul(const std::uint64_t* block, const std::uint64_t* leaves, const BlockToeplitzShape& shape,
                          std::uint64_t* scratch, std::uint64_t* out) {
    block_toeplitz_hash<ClmulPairs>(block, leaves, shape, scratch, out);
}

}  // namespace haris
HARIS_TARGET_END
#endif
