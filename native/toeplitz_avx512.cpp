#if defined(__x86_64__)
#include "target.hpp"
HARIS_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,pclmul")
#define HARIS_LANES_AVX512
#include "lanes_x86.hpp"
#include "toeplitz_path.hpp"

namespace haris {

void toeplitz_avx512(std::uint8_t* key, std::uint8_t* seed, const ToeplitzShape& shape) {
    toeplitz_transforms<Avx512Lanes>(key, seed, shape);
}

}  // namespace haris
HARIS_TARGET_END
#endif
