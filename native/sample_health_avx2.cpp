#if defined(__x86_64__)
#include "target.hpp"
HARIS_TARGET_BEGIN("avx2")
#define HARIS_HEALTH_256
#include "sample_health_path.hpp"

namespace haris {

const HealthPaths kHealthAvx2{"avx2", health_pass<std::uint8_t>, health_pass<std::uint16_t>};

}  // namespace haris
HARIS_TARGET_END
#endif
