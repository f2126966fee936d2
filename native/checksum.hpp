// CRC-32 of ISO 3309, as zlib has it, by carry-less multiplication where there is one.
#pragma once

#include <nanobind/nanobind.h>

namespace haris {

void bind_checksum(nanobind::module_& m);

}  // namespace haris
