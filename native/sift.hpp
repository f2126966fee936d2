// Sifting: time tags become the gates that clicked, at most one entry a gate.
#pragma once

#include <nanobind/nanobind.h>

namespace haris {

void bind_sift(nanobind::module_& m);

}  // namespace haris
