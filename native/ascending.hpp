// Ascending numbers on the wire: the gap to the one before, less 1, as LEB128.
#pragma once

#include <nanobind/nanobind.h>

namespace haris {

void bind_ascending(nanobind::module_& m);

}  // namespace haris
