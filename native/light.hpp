// Emulated light: how pulses were prepared, and which of them clicked.
#pragma once

#include <cstdint>
#include <vector>

#include "philox.hpp"

namespace nanobind {
class module_;
}

namespace haris {

struct Setting {
    std::uint8_t basis, bit, intensity;
};

// Alice's preparation of each pulse: one block of her stream a pulse, its words compared with thresholds.
struct Preparation {
    KeyedStream stream;
    std::uint64_t key_basis;                 // below it: key basis
    std::vector<std::uint64_t> intensities;  // cumulative; the last intensity needs none

    Setting at(std::uint64_t number) const {
        const Words4 words = stream.block(number);
        std::uint8_t intensity = 0;
        for (const std::uint64_t threshold : intensities) intensity += words[2] >= threshold;
        return {static_cast<std::uint8_t>(words[0] >= key_basis), static_cast<std::uint8_t>(words[1] >> 63), intensity};
    }
};

// The click law of haris.kernels.light.ClickLaw; tables are [intensity][aligned, unaligned][right, wrong].
struct ClickLaw {
    Preparation preparation;
    const double* p_click;
    const double* p_photon;
    double p_max;
    std::uint64_t eve;
    std::uint64_t hold_off_gates;
    double p_afterpulse;
    double p_release;
    double period_ps;
    double gate_ps;
    double jitter_ps;
};

void bind_light(nanobind::module_& m);

}  // namespace haris
