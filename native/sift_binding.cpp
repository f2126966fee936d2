// The gates that clicked, for Python.
#include "sift.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

namespace nb = nanobind;

namespace haris {
namespace {

template <typename T>
using In = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <typename T>
using Out = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

nb::tuple click_gates_of(In<std::int64_t> time_ps, In<std::uint8_t> channel, double period_ps, double half_gate_ps,
                         std::int64_t n_pulses, std::int64_t hold_off, Out<std::int64_t> pulse, Out<std::uint8_t> basis,
                         Out<std::uint8_t> bit, Out<std::int64_t> several, Out<std::uint8_t> mask, bool portable) {
    const std::int64_t* times = time_ps.data();
    const std::uint8_t* channels = channel.data();
    const std::size_t n = time_ps.size();
    std::int64_t* pulses = pulse.data();
    RowWriter bases(basis.data()), bits(bit.data());
    Several together{several.data(), mask.data()};
    std::size_t written = 0;
    {
        nb::gil_scoped_release release;
        written = click_gates(times, channels, n, {period_ps, half_gate_ps, n_pulses, hold_off}, pulses, bases, bits,
                              together, portable);
    }
    return nb::make_tuple(written, together.n);
}

}  // namespace

// Shapes and ranges are checked by haris.kernels.sift, the only caller.
void bind_sift(nb::module_& m) {
    m.def("click_gates", &click_gates_of, "Gates that clicked, and those with several tags; returns both numbers.");
}

}  // namespace haris
