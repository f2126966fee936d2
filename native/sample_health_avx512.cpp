#if defined(__x86_64__)
#include "target.hpp"
HARIS_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl")
#define HARIS_HEALTH_512
#include "sample_health_path.hpp"

namespace haris {

const HealthPaths kHealthAvx512{"avx512", health_pass<std::uint8_t>, health_pass<std::uint16_t>};

}  // namespace haris
HARIS_TARGET_END
#endif
