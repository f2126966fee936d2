#if defined(__x86_64__)
#include "target.hpp"
HARIS_TARGET_BEGIN("avx2,pclmul,vpclmulqdq")
#define HARIS_LANES_AVX2
#define HARIS_LANES_VPCLMUL
#include "lanes_x86.hpp"
#include "toeplitz_path.hpp"

namespace haris {

void toeplitz_vpclmul(std::uint8_t* key, std::uint8_t* seed, const ToeplitzShape& shape) {
    toeplitz_transforms<VpclmulLanes>(key, seed, shape);
}

}  // namespace haris
HARIS_TARGET_END
#endif
