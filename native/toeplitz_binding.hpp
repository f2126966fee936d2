// The Toeplitz hashes for Python.
#pragma once

#include <nanobind/nanobind.h>

namespace haris {

void bind_toeplitz(nanobind::module_& module);

}  // namespace haris
