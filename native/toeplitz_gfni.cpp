#if defined(__x86_64__)
#include "target.hpp"
HARIS_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,pclmul,gfni,vpclmulqdq")
#define HARIS_LANES_AVX512
#define HARIS_LANES_GFNI
#include "lanes_x86.hpp"
#include "toeplitz_path.hpp"

namespace haris {

void toeplitz_gfni(std::uint8_t* key, std::uint8_t* seed, const ToeplitzShape& shape) {
    toeplitz_transforms<GfniLanes>(key, seed, shape);
}

}  // namespace haris
HARIS_TARGET_END
#endif
