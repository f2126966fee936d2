#include "sample_health.hpp"

#include "cpu.hpp"
#include "target.hpp"

#include "sample_health_path.hpp"

namespace haris {

const HealthPaths kHealthPortable{"portable", health_pass<std::uint8_t>, health_pass<std::uint16_t>};

std::vector<HealthPaths> health_paths() {
    std::vector<HealthPaths> paths;
#if defined(__x86_64__)
    if (has_avx512()) paths.push_back(kHealthAvx512);
    if (has_avx2()) paths.push_back(kHealthAvx2);
#endif
    paths.push_back(kHealthPortable);
    return paths;
}

}  // namespace haris
