#if defined(__aarch64__)
#include "target.hpp"
#if defined(__clang__)
HARIS_TARGET_BEGIN("aes")
#else
HARIS_TARGET_BEGIN("+crypto")
#endif
#include <arm_neon.h>

#include "block_toeplitz_path.hpp"

namespace haris {
namespace {

struct PmullPairs {
    using Vector = uint64x2_t;
    static constexpr std::size_t kPairs = 1;
    static Vector zero() { return vdupq_n_u64(0); }
    static Vector load(const std::uint64_t* from) { return vld1q_u64(from); }
    static void store(std::uint64_t* to, Vector x) { vst1q_u64(to, x); }
    static Vector broadcast(std::uint64_t x) { return vdupq_n_u64(x); }
    static Vector add(Vector a, Vector b) { return veorq_u64(a, b); }
    static Vector add(Vector a, Vector b, Vector c) { return add(a, add(b, c)); }
    static Vector low(Vector x, Vector y) {
        return vreinterpretq_u64_p128(vmull_p64(static_cast<poly64_t>(vgetq_lane_u64(x, 0)),
                                                static_cast<poly64_t>(vgetq_lane_u64(y, 0))));
    }
    static Vector high(Vector x, Vector y) {
        return vreinterpretq_u64_p128(vmull_high_p64(vreinterpretq_p64_u64(x), vreinterpretq_p64_u64(y)));
    }
    static void finish(const Vector* even, const Vector* odd, Vector last, std::uint64_t* out) {
        for (std::size_t v = 0; v < 4; ++v)
            store(out + 2 * v, add(vzip1q_u64(odd[v], v < 3 ? even[v + 1] : last), vzip2q_u64(even[v], odd[v])));
    }
};

}  // namespace

void block_toeplitz_pmull(const std::uint64_t* block, const std::uint64_t* leaves, const BlockToeplitzShape& shape,
                          std::uint64_t* scratch, std::uint64_t* out) {
    block_toeplitz_hash<PmullPairs>(block, leaves, shape, scratch, out);
}

}  // namespace haris
HARIS_TARGET_END
#endif
