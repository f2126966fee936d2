#include "sift.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>

#include <nanobind/ndarray.h>

namespace nb = nanobind;

namespace haris {
namespace {

template <typename T>
using In = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <typename T>
using Out = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

constexpr std::int64_t kLongAgo = -(std::int64_t{1} << 62);

// floor(x) of a number that an int64 holds.
std::int64_t round_down(double x) {
    const std::int64_t whole = static_cast<std::int64_t>(x);
    return whole - (x < static_cast<double>(whole));
}

// One pass over the tags. Divides and multiplies as the specification does, so that no tag at the edge of a gate falls
// to the other side of it.
std::size_t click_gates(const std::int64_t* time_ps, const std::uint8_t* channel, std::size_t n, double period_ps,
                        double half_gate_ps, std::int64_t n_pulses, std::int64_t hold_off, std::int64_t* pulse,
                        std::uint8_t* mask) {
    std::size_t written = 0;
    std::int64_t before = kLongAgo, open = -1;  // gate of the tag before; gate whose tags come together now
    unsigned channels = 0;                      // of the open gate
    bool live = false;
    for (std::size_t i = 0; i < n; ++i) {
        const double time = static_cast<double>(time_ps[i]);
        const std::int64_t gate = round_down(time / period_ps);
        const double offset = std::fabs(time - (static_cast<double>(gate) + 0.5) * period_ps);
        if (offset <= half_gate_ps && gate >= 0 && gate < n_pulses) {
            if (gate != open) {
                mask[written] = static_cast<std::uint8_t>(channels);  // stands only if the gate that ends was live
                written += live;
                live = gate - before > hold_off;
                open = gate;
                channels = 0;
                pulse[written] = gate;
            }
            channels |= 1u << channel[i];
        }
        before = gate;
    }
    if (live) mask[written++] = static_cast<std::uint8_t>(channels);
    return written;
}

std::size_t click_gates_of(In<std::int64_t> time_ps, In<std::uint8_t> channel, double period_ps, double half_gate_ps,
                           std::int64_t n_pulses, std::int64_t hold_off, Out<std::int64_t> pulse,
                           Out<std::uint8_t> mask) {
    const std::int64_t* times = time_ps.data();
    const std::uint8_t* channels = channel.data();
    const std::size_t n = time_ps.size();
    std::int64_t* pulses = pulse.data();
    std::uint8_t* masks = mask.data();
    nb::gil_scoped_release release;
    return click_gates(times, channels, n, period_ps, half_gate_ps, n_pulses, hold_off, pulses, masks);
}

}  // namespace

// Shapes and ranges are checked by haris.kernels.sift, the only caller.
void bind_sift(nb::module_& m) {
    m.def("click_gates", &click_gates_of, "Gates that clicked outside the hold-off, and the channels of each.");
}

}  // namespace haris
