#include "pack_samples.hpp"

#include <bit>
#include <cstring>
#include <numeric>

#include "cpu.hpp"
#include "pack_samples_path.hpp"

namespace haris {

static_assert(std::endian::native == std::endian::little, "samples are read as little-endian words");

void pack_samples(const std::uint8_t* codes, std::size_t n, unsigned bits, std::uint8_t* out, bool portable) {
#if defined(__x86_64__)
    if (!portable && has_fast_pext()) return pack_samples_bmi2(codes, n, bits, out);
#endif
    pack_of(codes, n, bits, out);
}

void pack_samples(const std::uint16_t* codes, std::size_t n, unsigned bits, std::uint8_t* out, bool portable) {
#if defined(__x86_64__)
    if (!portable && has_vbmi() && bits % 2 == 0 && bits <= 14) {
        const std::size_t packed = pack_samples_vbmi(codes, n, bits, out);
        codes += packed;
        n -= packed;
        out += packed * bits / 8;
    }
    if (!portable && has_fast_pext()) return pack_samples_bmi2(codes, n, bits, out);
#endif
    pack_of(codes, n, bits, out);
}

}  // namespace haris
