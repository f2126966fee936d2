// CRC-32 for Python.
#include "checksum.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

namespace nb = nanobind;

namespace haris {
namespace {

using In = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

std::uint32_t crc32_of(In octets, bool tables_only) {
    const std::uint8_t* from = octets.data();
    const std::size_t n = octets.size();
    nb::gil_scoped_release release;
    return crc32(from, n, tables_only);
}

}  // namespace

// Types are checked by haris.kernels.checksum, the only caller.
void bind_checksum(nb::module_& m) {
    m.def("crc32", &crc32_of, "CRC-32 of octets; with the second argument, on the path that every processor has.");
}

}  // namespace haris
