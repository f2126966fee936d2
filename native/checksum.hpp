// CRC-32 of ISO 3309, as zlib has it, by carry-less multiplication where there is one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nanobind {
class module_;
}

namespace haris {

// tables_only: on the path that every processor has.
std::uint32_t crc32(const std::uint8_t* octets, std::size_t n, bool tables_only);

void bind_checksum(nanobind::module_& m);

}  // namespace haris
