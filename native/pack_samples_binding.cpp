// Packing of samples for Python.
#include "pack_samples.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

namespace haris {

namespace nb = nanobind;

namespace {

using Out = nb::ndarray<std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

template <class Code>
void pack(nb::ndarray<const Code, nb::ndim<1>, nb::c_contig, nb::device::cpu> codes, unsigned bits, Out out,
          bool portable) {
    if (bits < 1 || bits > 8 * sizeof(Code) || out.size() != (codes.size() * bits + 7) / 8)
        throw nb::value_error("pack_samples: sizes do not fit bits");
    nb::gil_scoped_release released;
    pack_samples(codes.data(), codes.size(), bits, out.data(), portable);
}

}  // namespace

void bind_pack_samples(nb::module_& module) {
    module.def("pack_octets", &pack<std::uint8_t>, nb::arg("codes"), nb::arg("bits"), nb::arg("out"),
               nb::arg("portable"));
    module.def("pack_words", &pack<std::uint16_t>, nb::arg("codes"), nb::arg("bits"), nb::arg("out"),
               nb::arg("portable"));
}

}  // namespace haris
