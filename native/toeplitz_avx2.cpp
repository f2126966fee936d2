#if defined(__x86_64__)
#include "target.hpp"
HARIS_TARGET_BEGIN("avx2,pclmul")
#define HARIS_LANES_AVX2
#include "lanes_x86.hpp"
#include "toeplitz_path.hpp"

namespace haris {

void toeplitz_avx2(std::uint8_t* key, std::uint8_t* seed, const ToeplitzShape& shape) {
    toeplitz_transforms<Avx2Lanes>(key, seed, shape);
}

}  // namespace haris
HARIS_TARGET_END
#endif
