// Sifting of packed bits: which clicks both ends keep, and what they keep of them, in one sweep.
#pragma once

#include <nanobind/nanobind.h>

namespace haris {

void bind_sifted(nanobind::module_& m);

}  // namespace haris
