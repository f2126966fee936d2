#include "light.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <nanobind/ndarray.h>

namespace nb = nanobind;

namespace haris {

namespace {

constexpr std::uint64_t kNever = ~std::uint64_t{0};

// Where the sampler stands; the caller keeps it between calls.
struct State {
    std::uint64_t gate;     // next live gate
    std::uint64_t release;  // gate at which the trapped carrier fires, or kNever
    std::uint64_t trap;     // detector that holds it
    std::uint64_t block;    // next block of the receiver's stream
};

// floor(log_u * scale) gates ahead of `gate`, or kNever when that lies beyond `end` (or is not a number).
std::uint64_t gates_ahead(std::uint64_t gate, double log_u, double scale, std::uint64_t end) {
    const double skip = log_u * scale;
    const bool inside = gate < end && skip < static_cast<double>(end - gate);
    return inside ? gate + static_cast<std::uint64_t>(skip) : kNever;
}

// Detectors that click, as bits 0 and 1, for a uniform v and the two independent click probabilities.
// No branches: which detector clicks is a coin, and no processor foresees it.
unsigned outcome(double v, double p0, double p1) {
    const double both = p0 * p1;
    const unsigned zero = v < p0, any = v < p0 + p1 - both;
    return zero | ((any & ~zero) | unsigned{v < both}) << 1;
}

// Smallest integer that is not below x >= 0.
std::int64_t round_up(double x) {
    const std::int64_t whole = static_cast<std::int64_t>(x);
    return whole + (static_cast<double>(whole) < x);
}

// One of the two normal variates that Box and Muller make of a word's halves.
double normal(std::uint64_t word, bool second) {
    const double radius = std::sqrt(-2.0 * std::log((static_cast<double>(word >> 32) + 1.0) * 0x1p-32));
    const double angle = static_cast<double>(word & 0xFFFFFFFF) * 0x1p-32 * (2.0 * std::numbers::pi);
    return radius * (second ? std::sin(angle) : std::cos(angle));
}

class Sampler {
public:
    Sampler(const ClickLaw& law, const KeyedStream& receiver, std::uint64_t start, std::uint64_t n_pulses,
            State& state)
        : law_(law), receiver_(receiver), start_(start), n_pulses_(n_pulses), state_(state),
          skip_scale_(1.0 / std::log1p(-law.p_max)), release_scale_(1.0 / std::log1p(-law.p_release)) {}

    // Writes up to `capacity` tags, both tags of a double click together; returns how many.
    std::size_t run(std::int64_t* time_ps, std::uint8_t* channel, std::size_t capacity) {
        std::size_t written = 0;
        while (written + 2 <= capacity && state_.gate < n_pulses_) {
            const Words4 words = next();
            const double log_u = std::log(uniform(words[0]) + 0x1p-53);
            const std::uint64_t candidate = gates_ahead(state_.gate, log_u, skip_scale_, n_pulses_);
            const bool released = state_.release <= candidate && state_.release < n_pulses_;
            const std::uint64_t gate = released ? state_.release : candidate;
            if (gate >= n_pulses_) {
                state_.gate = n_pulses_;
                break;
            }
            const Pulse pulse = arrive(gate, words);
            unsigned clicked = outcome(uniform(words[1]) * (released ? 1.0 : law_.p_max), pulse.p[0], pulse.p[1]);
            if (released) clicked |= 1u << state_.trap;
            if (clicked == 0) {
                state_.gate = gate + 1;
                continue;
            }
            const Words4 more = next();
            const std::size_t first = written;
            for (unsigned d = clicked == 2; d <= clicked >> 1; ++d) {
                const bool own = released && state_.trap == d;
                const double offset_ps = offset(more, d, written != first, own ? 0.0 : pulse.photon[d]);
                time_ps[written] = tag(gate, offset_ps);
                channel[written++] = static_cast<std::uint8_t>(2 * pulse.receiver_basis + d);
            }
            if (written - first == 2 && time_ps[first] > time_ps[first + 1]) {
                std::swap(time_ps[first], time_ps[first + 1]);
                std::swap(channel[first], channel[first + 1]);
            }
            hold_off(gate, clicked, more[0]);
        }
        return written;
    }

private:
    // A pulse at Bob's detectors: their click probabilities, and the share of photons in their clicks.
    struct Pulse {
        unsigned receiver_basis;
        double p[2];
        double photon[2];
    };

    // Four blocks at a time: their rounds do not wait for one another.
    Words4 next() {
        const std::uint64_t n = state_.block++;
        if (n / 4 != ready_) {
            ready_ = n / 4;
            for (std::uint64_t i = 0; i < 4; ++i) blocks_[i] = receiver_.block(4 * ready_ + i);
        }
        return blocks_[n % 4];
    }

    Pulse arrive(std::uint64_t gate, const Words4& words) const {
        Setting sent = law_.preparation.at(start_ + gate);
        if (words[3] < law_.eve && (words[1] & 1) != sent.basis) {
            // Eve measured in the other basis: her result is a coin, and she resends that.
            sent.basis = words[1] & 1;
            sent.bit = words[1] >> 1 & 1;
        }
        Pulse pulse;
        pulse.receiver_basis = words[2] >= law_.preparation.key_basis;
        const std::size_t row = 4 * sent.intensity + 2 * (pulse.receiver_basis != sent.basis);
        for (unsigned d = 0; d < 2; ++d) {
            const std::size_t cell = row + (d != sent.bit);
            pulse.p[d] = law_.p_click[cell];
            pulse.photon[d] = law_.p_photon[cell];
        }
        return pulse;
    }

    // From the pulse's centre: photons are normal, cut by the gate; all else is uniform in the gate.
    double offset(const Words4& words, unsigned d, bool second, double p_photon) {
        const double u = uniform(words[1 + d]);
        if (u >= p_photon) return ((u - p_photon) / (1.0 - p_photon) - 0.5) * law_.gate_ps;
        if (law_.jitter_ps == 0.0) return 0.0;
        std::uint64_t word = words[3];
        for (;;) {
            const double x = normal(word, second) * law_.jitter_ps;
            if (std::abs(x) <= 0.5 * law_.gate_ps) return x;
            word = next()[3];
        }
    }

    // Whole picoseconds inside the gate, a quarter from its edges, so that rounding moves no tag to another pulse.
    std::int64_t tag(std::uint64_t gate, double offset_ps) const {
        const double centre = (static_cast<double>(gate) + 0.5) * law_.period_ps;
        const double half = 0.5 * law_.gate_ps - 0.25;
        const std::int64_t first = round_up(centre - half);
        const std::int64_t last = round_up(centre + half) - 1;
        return std::max(first, std::min(last, static_cast<std::int64_t>(centre + offset_ps + 0.5)));
    }

    // After a click: both detectors are blind for the hold-off, and a carrier may stay trapped.
    void hold_off(std::uint64_t gate, unsigned clicked, std::uint64_t word) {
        state_.gate = gate + 1 + law_.hold_off_gates;
        state_.release = kNever;
        const double u = uniform(word);
        if (u >= law_.p_afterpulse) return;
        state_.trap = clicked == 3 ? word & 1 : clicked >> 1;
        state_.release = gates_ahead(state_.gate, std::log1p(-u / law_.p_afterpulse), release_scale_, n_pulses_);
    }

    const ClickLaw& law_;
    const KeyedStream& receiver_;
    const std::uint64_t start_;
    const std::uint64_t n_pulses_;
    State& state_;
    const double skip_scale_;
    const double release_scale_;
    std::uint64_t ready_ = kNever;
    std::array<Words4, 4> blocks_{};
};

template <typename T>
using In = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
template <typename T>
using Out = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

KeyedStream keyed_stream(const In<std::uint64_t>& words) {
    const std::uint64_t* w = words.data();
    return {{w[0], w[1]}, {w[2], w[3]}};
}

Preparation preparation(const In<std::uint64_t>& key, const In<std::uint64_t>& thresholds) {
    const std::uint64_t* t = thresholds.data();
    return {keyed_stream(key), t[0], {t + 1, t + thresholds.size()}};
}

void pulse_settings(In<std::uint64_t> key, In<std::uint64_t> thresholds, In<std::int64_t> number,
                    Out<std::uint8_t> basis, Out<std::uint8_t> bit, Out<std::uint8_t> intensity) {
    const Preparation prepared = preparation(key, thresholds);
    const std::int64_t* numbers = number.data();
    const std::size_t n = number.size();
    std::uint8_t *out_basis = basis.data(), *out_bit = bit.data(), *out_intensity = intensity.data();
    nb::gil_scoped_release release;
    for (std::size_t i = 0; i < n; ++i) {
        const Setting setting = prepared.at(static_cast<std::uint64_t>(numbers[i]));
        out_basis[i] = setting.basis;
        out_bit[i] = setting.bit;
        out_intensity[i] = setting.intensity;
    }
}

std::size_t sample_clicks(In<std::uint64_t> pulse_key, In<std::uint64_t> receiver_key,
                          In<std::uint64_t> thresholds, In<double> p_click, In<double> p_photon, double p_max,
                          std::uint64_t eve, std::uint64_t hold_off_gates, In<double> scalars, std::uint64_t start,
                          std::uint64_t n_pulses, Out<std::uint64_t> state, Out<std::int64_t> time_ps,
                          Out<std::uint8_t> channel) {
    const double* s = scalars.data();
    const ClickLaw law{preparation(pulse_key, thresholds), p_click.data(), p_photon.data(), p_max, eve,
                       hold_off_gates, s[0], s[1], s[2], s[3], s[4]};
    const KeyedStream receiver = keyed_stream(receiver_key);
    std::uint64_t* words = state.data();
    State now{words[0], words[1], words[2], words[3]};
    std::size_t written = 0;
    {
        nb::gil_scoped_release release;
        written = Sampler(law, receiver, start, n_pulses, now).run(time_ps.data(), channel.data(), time_ps.size());
    }
    words[0] = now.gate;
    words[1] = now.release;
    words[2] = now.trap;
    words[3] = now.block;
    return written;
}

void philox(In<std::uint64_t> counter, In<std::uint64_t> key, Out<std::uint64_t> words) {
    const std::uint64_t *c = counter.data(), *k = key.data();
    const Words4 block = philox4x64({c[0], c[1], c[2], c[3]}, {k[0], k[1]});
    std::copy(block.begin(), block.end(), words.data());
}

}  // namespace

// Shapes and ranges are checked by haris.kernels.light, the only caller.
void bind_light(nb::module_& m) {
    m.def("philox4x64", &philox, "One block of Philox4x64-10.");
    m.def("pulse_settings", &pulse_settings, "Settings of numbered pulses under a key.");
    m.def("sample_clicks", &sample_clicks, "Time tags of the next clicks; advances the state.");
}

}  // namespace haris
