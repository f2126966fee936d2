#if defined(__x86_64__)
#include "target.hpp"
HARIS_TARGET_BEGIN("avx2,pclmul,vpclmulqdq")
#include <immintrin.h>

#include "block_toeplitz_path.hpp"

namespace haris {
namespace {

struct VpclmulPairs {
    using Vector = __m256i;
    static constexpr std::size_t kPairs = 2;
    static Vector zero() { return _mm256_setzero_si256(); }
    static Vector load(const std::uint64_t* from) { return _mm256_loadu_si256(reinterpret_cast<const Vector*>(from)); }
    static void store(std::uint64_t* to, Vector x) { _mm256_storeu_si256(reinterpret_cast<Vector*>(to), x); }
    static Vector broadcast(std::uint64_t x) { return _mm256_set1_epi64x(static_cast<long long>(x)); }
    static Vector add(Vector a, Vector b) { return _mm256_xor_si256(a, b); }
    static Vector add(Vector a, Vector b, Vector c) { return add(a, add(b, c)); }
    static Vector low(Vector x, Vector y) { return _mm256_clmulepi64_epi128(x, y, 0x00); }
    static Vector high(Vector x, Vector y) { return _mm256_clmulepi64_epi128(x, y, 0x11); }
    static void finish(const Vector* even, const Vector* odd, Vector last, std::uint64_t* out) {
        last = add(last, _mm256_permute4x64_epi64(last, 0x4E));
        const Vector first = _mm256_permute2x128_si256(even[0], even[1], 0x21);
        const Vector second = _mm256_permute2x128_si256(even[1], last, 0x21);
        store(out, add(_mm256_unpacklo_epi64(odd[0], first), _mm256_unpackhi_epi64(even[0], odd[0])));
        store(out + 4, add(_mm256_unpacklo_epi64(odd[1], second), _mm256_unpackhi_epi64(even[1], odd[1])));
    }
};

}  // namespace

void block_toeplitz_vpclmul(const std::uint64_t* block, const std::uint64_t* leaves, const BlockToeplitzShape& shape,
                            std::uint64_t* scratch, std::uint64_t* out) {
    block_toeplitz_hash<VpclmulPairs>(block, leaves, shape, scratch, out);
}

}  // namespace haris
HARIS_TARGET_END
#endif
