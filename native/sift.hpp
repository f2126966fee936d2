// Sifting: time tags become the gates that clicked, at most one entry a gate.
#pragma once

#include <cstddef>
#include <cstdint>

#include "bit_rows.hpp"

namespace nanobind {
class module_;
}

namespace haris {

// period_ps is at least 4, so that numbers of gates are far from the ends of their range.
struct Gating {
    double period_ps, half_gate_ps;
    std::int64_t n_pulses, hold_off;
};

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

// One pass over n tags, whose times never descend and whose channels are at most 3: which gates clicked, and bits 1 and 0 of
// the channel that came first. pulse and several have room for n, basis and bit for n bits as RowWriter asks for it.
// portable: on the path that every processor has. Returns how many gates are written.
std::size_t click_gates(const std::int64_t* time_ps, const std::uint8_t* channel, std::size_t n, const Gating& by,
                        std::int64_t* pulse, RowWriter basis, RowWriter bit, Several& several, bool portable);

void bind_sift(nanobind::module_& m);

}  // namespace haris
