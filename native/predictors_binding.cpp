// Predictors for Python.
#include "predictors.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

namespace nb = nanobind;

namespace haris {
namespace {

using In = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

template <Predicted (*predict)(const std::uint8_t*, std::size_t, unsigned)>
nb::tuple predicted(In symbols, unsigned n_symbols) {
    const std::uint8_t* from = symbols.data();
    const std::size_t n = symbols.size();
    Predicted found;
    {
        nb::gil_scoped_release release;
        found = predict(from, n, n_symbols);
    }
    return nb::make_tuple(found.correct, found.longest_run);
}

nb::tuple collisions_of(In bits) {
    const Collisions found = collision_times(bits.data(), bits.size());
    return nb::make_tuple(found.n_times, found.sum_times);
}

}  // namespace

// Shapes and ranges are checked by haris.kernels.predictors, the only caller.
void bind_predictors(nb::module_& m) {
    m.def("predict_mcw", &predicted<predict_mcw>, "Right predictions of MultiMCW, and the longest run of them.");
    m.def("predict_lag", &predicted<predict_lag>, "Right predictions of Lag, and the longest run of them.");
    m.def("predict_mmc", &predicted<predict_mmc>, "Right predictions of MultiMMC, and the longest run of them.");
    m.def("predict_lz78y", &predicted<predict_lz78y>, "Right predictions of LZ78Y, and the longest run of them.");
    m.def("collision_times", &collisions_of, "How many waits for a repeated bit end, and how long they are together.");
}

}  // namespace haris
