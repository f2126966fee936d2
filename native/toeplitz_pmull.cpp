#if defined(__aarch64__)
#include "target.hpp"
#if defined(__clang__)
HARIS_TARGET_BEGIN("aes")
#else
HARIS_TARGET_BEGIN("+crypto")
#endif
#include "lanes_neon.hpp"
#include "toeplitz_path.hpp"

namespace haris {

void toeplitz_pmull(std::uint8_t* key, std::uint8_t* seed, const ToeplitzShape& shape) {
    toeplitz_transforms<NeonLanes>(key, seed, shape);
}

}  // namespace haris
HARIS_TARGET_END
#endif
