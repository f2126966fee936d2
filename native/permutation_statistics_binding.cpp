// Statistics of the permutation tests for Python.
#include "permutation_statistics.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

namespace nb = nanobind;

namespace haris {
namespace {

using In = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Words = nb::ndarray<const std::uint64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Values = nb::ndarray<std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Out = nb::ndarray<double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

void statistics_of(In values, In symbols, unsigned n_symbols, double mean, double median, std::uint32_t wanted, Out out) {
    const std::uint8_t *v = values.data(), *s = symbols.data();
    const std::size_t n = values.size();
    double* to = out.data();
    nb::gil_scoped_release release;
    permutation_statistics(v, s, n, n_symbols, mean, median, wanted, to);
}

void shuffle_of(Values values, Words words) { shuffle(values.data(), words.data(), values.size()); }

}  // namespace

// Shapes and ranges are checked by haris.kernels.permutation_statistics, the only caller.
void bind_permutation_statistics(nb::module_& m) {
    m.def("permutation_statistics", &statistics_of, "Statistics of SP 800-90B, 5.1.1 to 5.1.10, into the last argument.");
    m.def("shuffle", &shuffle_of, "Shuffles values in place by words, one for each.");
}

}  // namespace haris
