// How long bzip2 makes samples that are written in decimal with blanks between.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nanobind {
class module_;
}

namespace haris {

// Octets of the stream that libbz2 1.0 makes at level 5 of n > 0 values so written; nothing is written.
std::size_t bzip2_length(const std::uint8_t* values, std::size_t n);

void bind_bzip2_length(nanobind::module_& m);

}  // namespace haris
