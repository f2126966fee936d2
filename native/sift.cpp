#include "sift.hpp"

#include "target.hpp"

#include <bit>
#include <cmath>

#include <nanobind/ndarray.h>

#include "bit_rows.hpp"
#include "cpu.hpp"

namespace nb = nanobind;

namespace haris {
namespace {

template <typename T>
using In = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <typename T>
using Out = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

constexpr std::int64_t kLongAgo = -(std::int64_t{1} << 62);
constexpr std::size_t kRun = 64;  // tags that are taken together

struct Gating {
    double period_ps, half_gate_ps;
    std::int64_t n_pulses, hold_off;
};

// A run of tags, behind the tag before it. opens: in its window, and beyond the hold-off of the tag before. follows: in
// the same gate as the tag before, and both in their windows.
struct Run {
    std::int64_t gate[1 + kRun] = {kLongAgo};
    std::int64_t inside[1 + kRun] = {0};
    std::uint8_t opens[kRun], follows[kRun];
};

// Divides and multiplies as the specification does, so that no tag at the edge of a gate falls to the other side of it.
HARIS_INLINE void place(const std::int64_t* time_ps, std::size_t n, const Gating& by, Run& run) {
    for (std::size_t i = 0; i < n; ++i) {
        const double time = static_cast<double>(time_ps[i]);
        const double ratio = time / by.period_ps;
        const std::int64_t whole = static_cast<std::int64_t>(ratio);
        const std::int64_t number = whole - (ratio < static_cast<double>(whole));
        const double offset = std::fabs(time - (static_cast<double>(number) + 0.5) * by.period_ps);
        run.gate[1 + i] = number;
        run.inside[1 + i] = (offset <= by.half_gate_ps) & (number >= 0) & (number < by.n_pulses);
    }
    for (std::size_t i = 0; i < n; ++i) {
        const std::int64_t since = run.gate[1 + i] - run.gate[i], inside = run.inside[1 + i];
        run.opens[i] = static_cast<std::uint8_t>(inside & (since > by.hold_off));
        run.follows[i] = static_cast<std::uint8_t>(inside & run.inside[i] & (since == 0));
    }
}

// Gates where several tags came together: which of the gates that are written, and the channels of its tags as a mask.
struct Several {
    std::int64_t* gate;
    std::uint8_t* mask;
    std::size_t n = 0;

    void add(std::int64_t which, unsigned before, unsigned channel) {
        if (n == 0 || gate[n - 1] != which) {
            gate[n] = which;
            mask[n++] = static_cast<std::uint8_t>(1u << before);
        }
        mask[n - 1] |= static_cast<std::uint8_t>(1u << channel);
    }
};

// One pass over the tags. Returns how many gates are written.
template <typename Compress>
HARIS_INLINE std::size_t click_gates_by(const std::int64_t* time_ps, const std::uint8_t* channel, std::size_t n,
                                        const Gating& by, std::int64_t* pulse, BitWriter basis, BitWriter bit,
                                        Several& several) {
    Run run;
    std::size_t written = 0;
    bool live = false;    // whether the gate of the newest tag that follows no other is among those written
    unsigned leader = 0;  // channel of that tag
    for (std::size_t i = 0; i < n; i += kRun) {
        const std::size_t m = std::min(kRun, n - i), first = written;
        place(time_ps + i, m, by, run);
        for (std::size_t k = 0; k < m; ++k) {
            pulse[written] = run.gate[1 + k];
            written += run.opens[k];
        }
        const Row opens = row_of(run.opens, m, 0), follows = row_of(run.follows, m, 0);
        const Compress opened(opens);
        basis.append(opened(row_of(channel + i, m, 1)), opened.count());
        bit.append(opened(row_of(channel + i, m, 0)), opened.count());
        const Row leaders = ~follows & first_bits(m);
        for (Row left = follows; left != 0; left &= left - 1) {
            const auto k = static_cast<unsigned>(std::countr_zero(left));
            if (const Row before = leaders & first_bits(k + 1)) {
                const unsigned at = 63 - static_cast<unsigned>(std::countl_zero(before));
                live = opens >> at & 1;
                leader = channel[i + at];
            }
            const auto n_opened = static_cast<std::size_t>(std::popcount(opens & first_bits(k + 1)));
            if (live) several.add(static_cast<std::int64_t>(first + n_opened) - 1, leader, channel[i + k]);
        }
        if (leaders != 0) {
            const unsigned at = 63 - static_cast<unsigned>(std::countl_zero(leaders));
            live = opens >> at & 1;
            leader = channel[i + at];
        }
        run.gate[0] = run.gate[m], run.inside[0] = run.inside[m];
    }
    basis.finish();
    bit.finish();
    return written;
}

std::size_t click_gates(const std::int64_t* time_ps, const std::uint8_t* channel, std::size_t n, const Gating& by,
                        std::int64_t* pulse, BitWriter basis, BitWriter bit, Several& several) {
    return click_gates_by<Compress>(time_ps, channel, n, by, pulse, basis, bit, several);
}

#if defined(__x86_64__)
HARIS_TARGET_BEGIN("avx512f,avx512dq,avx512vl,avx512bw,bmi,bmi2,popcnt,lzcnt")
std::size_t click_gates_avx512(const std::int64_t* time_ps, const std::uint8_t* channel, std::size_t n,
                               const Gating& by, std::int64_t* pulse, BitWriter basis, BitWriter bit,
                               Several& several) {
    return click_gates_by<PextCompress>(time_ps, channel, n, by, pulse, basis, bit, several);
}
HARIS_TARGET_END
#else
constexpr auto* click_gates_avx512 = click_gates;
#endif

nb::tuple click_gates_of(In<std::int64_t> time_ps, In<std::uint8_t> channel, double period_ps, double half_gate_ps,
                         std::int64_t n_pulses, std::int64_t hold_off, Out<std::int64_t> pulse, Out<std::uint8_t> basis,
                         Out<std::uint8_t> bit, Out<std::int64_t> several, Out<std::uint8_t> mask, bool portable) {
    const std::int64_t* times = time_ps.data();
    const std::uint8_t* channels = channel.data();
    const std::size_t n = time_ps.size();
    std::int64_t* pulses = pulse.data();
    BitWriter bases(basis.data()), bits(bit.data());
    Several together{several.data(), mask.data()};
    std::size_t written = 0;
    {
        nb::gil_scoped_release release;
        const auto gates = has_avx512() && has_fast_pext() && !portable ? click_gates_avx512 : click_gates;
        written = gates(times, channels, n, {period_ps, half_gate_ps, n_pulses, hold_off}, pulses, bases, bits, together);
    }
    return nb::make_tuple(written, together.n);
}

}  // namespace

// Shapes and ranges are checked by haris.kernels.sift, the only caller.
void bind_sift(nb::module_& m) {
    m.def("click_gates", &click_gates_of, "Gates that clicked, and those with several tags; returns both numbers.");
}

}  // namespace haris
