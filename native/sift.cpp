#include "sift.hpp"

#include "target.hpp"

#include <bit>
#include <cmath>

#include "cpu.hpp"

namespace haris {
namespace {

constexpr std::int64_t kLongAgo = -(std::int64_t{1} << 62);
constexpr std::size_t kRun = 64;  // tags that are taken together

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

// One pass over the tags. Returns how many gates are written.
template <typename Compress>
HARIS_INLINE std::size_t click_gates_by(const std::int64_t* time_ps, const std::uint8_t* channel, std::size_t n,
                                        const Gating& by, std::int64_t* pulse, RowWriter basis, RowWriter bit,
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

std::size_t click_gates_any(const std::int64_t* time_ps, const std::uint8_t* channel, std::size_t n, const Gating& by,
                            std::int64_t* pulse, RowWriter basis, RowWriter bit, Several& several) {
    return click_gates_by<Compress>(time_ps, channel, n, by, pulse, basis, bit, several);
}

#if defined(__x86_64__)
HARIS_TARGET_BEGIN("avx512f,avx512dq,avx512vl,avx512bw,bmi,bmi2,popcnt,lzcnt")
std::size_t click_gates_avx512(const std::int64_t* time_ps, const std::uint8_t* channel, std::size_t n,
                               const Gating& by, std::int64_t* pulse, RowWriter basis, RowWriter bit,
                               Several& several) {
    return click_gates_by<PextCompress>(time_ps, channel, n, by, pulse, basis, bit, several);
}
HARIS_TARGET_END
#else
constexpr auto* click_gates_avx512 = click_gates_any;
#endif

}  // namespace

std::size_t click_gates(const std::int64_t* time_ps, const std::uint8_t* channel, std::size_t n, const Gating& by,
                        std::int64_t* pulse, RowWriter basis, RowWriter bit, Several& several, bool portable) {
    const auto gates = has_avx512() && has_fast_pext() && !portable ? click_gates_avx512 : click_gates_any;
    return gates(time_ps, channel, n, by, pulse, basis, bit, several);
}

}  // namespace haris
