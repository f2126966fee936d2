// Samples of b bits, an octet or two each, to a stream of bits without gaps.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nanobind {
class module_;
}

namespace haris {

// The least significant bit of the first sample is the least significant of the first octet. bits: 1 to that of Code;
// codes are below 2^bits. out: (n bits + 7) / 8 octets, their unused bits zeros. portable: on the path that every
// processor has.
void pack_samples(const std::uint8_t* codes, std::size_t n, unsigned bits, std::uint8_t* out, bool portable);
void pack_samples(const std::uint16_t* codes, std::size_t n, unsigned bits, std::uint8_t* out, bool portable);

// On processors whose PEXT is fast.
void pack_samples_bmi2(const std::uint8_t* codes, std::size_t n, unsigned bits, std::uint8_t* out);
void pack_samples_bmi2(const std::uint16_t* codes, std::size_t n, unsigned bits, std::uint8_t* out);

// On processors that move octets of 512 bits: even bits up to 14, whole 32 samples. Returns how many.
std::size_t pack_samples_vbmi(const std::uint16_t* codes, std::size_t n, unsigned bits, std::uint8_t* out);

void bind_pack_samples(nanobind::module_& module);

}  // namespace haris
