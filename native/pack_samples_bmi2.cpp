#if defined(__x86_64__)
#include "target.hpp"

#include <numeric>

HARIS_TARGET_BEGIN("bmi2")
#define HARIS_PEXT
#include "pack_samples_path.hpp"

namespace haris {

void pack_samples_bmi2(const std::uint8_t* codes, std::size_t n, unsigned bits, std::uint8_t* out) {
    pack_of(codes, n, bits, out);
}

void pack_samples_bmi2(const std::uint16_t* codes, std::size_t n, unsigned bits, std::uint8_t* out) {
    pack_of(codes, n, bits, out);
}

}  // namespace haris
HARIS_TARGET_END
#endif
