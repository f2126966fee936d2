// The length of what bzip2 makes, for Python.
#include "bzip2_length.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

namespace nb = nanobind;

namespace haris {
namespace {

using In = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

std::size_t length_of(In values) {
    nb::gil_scoped_release release;
    return bzip2_length(values.data(), values.size());
}

}  // namespace

// Shape and type are checked by haris.kernels.bzip2_length, the only caller.
void bind_bzip2_length(nb::module_& m) {
    m.def("bzip2_length", &length_of, "Octets of the bzip2 stream of values in decimal.");
}

}  // namespace haris
