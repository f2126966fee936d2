// The one place where C++ meets Python: every kernel registers itself here.
#include <nanobind/nanobind.h>

#include "cpu.hpp"
#include "light.hpp"
#include "toeplitz.hpp"

namespace nb = nanobind;

NB_MODULE(_native, m) {
    m.doc() = "haris kernels: arrays in, arrays out";
    m.def("instruction_set", &haris::instruction_set,
          "Name of the best instruction set that the kernels use on this processor.");
    haris::bind_light(m);
    haris::bind_toeplitz(m);
}
