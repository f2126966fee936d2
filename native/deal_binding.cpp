// Dealing for Python.
#include "deal.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>

namespace haris {

namespace nb = nanobind;

namespace {

template <typename T>
using Array = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

template <typename Code>
bool dealt(Array<const Code> frame, Array<const std::uint32_t> turns, std::size_t first, Code last, Array<Code> out) {
    const std::size_t rows = turns.size(), columns = rows ? frame.size() / rows : 0;
    if (!columns || frame.size() != rows * columns || out.size() % rows || first >= columns ||
        out.size() / rows > columns - first ||
        std::any_of(turns.data(), turns.data() + rows, [&](std::uint32_t turn) { return turn >= columns; }))
        throw nb::value_error("deal: sizes do not fit");
    nb::gil_scoped_release released;
    return deal(frame.data(), rows, columns, turns.data(), first, out.size() / rows, last, out.data());
}

}  // namespace

void bind_deal(nb::module_& module) {
    module.def("deal_8", &dealt<std::uint8_t>, nb::arg("frame"), nb::arg("turns"), nb::arg("first"), nb::arg("last"),
               nb::arg("out"));
    module.def("deal_16", &dealt<std::uint16_t>, nb::arg("frame"), nb::arg("turns"), nb::arg("first"), nb::arg("last"),
               nb::arg("out"));
}

}  // namespace haris
