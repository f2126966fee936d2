// Ascending numbers for Python.
#include "ascending.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

namespace nb = nanobind;

namespace haris {
namespace {

template <typename T>
using In = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <typename T>
using Out = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

std::size_t pack_of(In<std::int64_t> numbers, Out<std::uint8_t> out) {
    const std::int64_t* from = numbers.data();
    const std::size_t n = numbers.size();
    std::uint8_t* to = out.data();
    std::size_t size = 0;
    {
        nb::gil_scoped_release release;
        size = pack_ascending(from, n, to);
    }
    if (size == kUnfit) throw nb::value_error("numbers must ascend strictly from 0 on, by less than 2^42");
    return size;
}

nb::tuple unpack_of(In<std::uint8_t> octets, std::int64_t below, Out<std::int64_t> numbers) {
    const std::uint8_t* from = octets.data();
    const std::size_t n = octets.size(), count = numbers.size();
    std::int64_t* to = numbers.data();
    std::pair<std::size_t, std::size_t> read;
    {
        nb::gil_scoped_release release;
        read = unpack_ascending(from, n, count, below, to);
    }
    return nb::make_tuple(read.first, read.second);
}

}  // namespace

// Shapes and ranges are checked by haris.kernels.ascending, the only caller.
void bind_ascending(nb::module_& m) {
    m.def("pack_ascending", &pack_of, "Gaps of ascending numbers as LEB128; returns how many octets.");
    m.def("unpack_ascending", &unpack_of, "Numbers read, and octets taken, of gaps as LEB128.");
}

}  // namespace haris
