// Each statistic is one pass; those that share a pass are computed together.
#include "permutation_statistics.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <vector>

namespace haris {
namespace {

constexpr std::array<std::size_t, 5> kLags{1, 2, 8, 16, 32};

double excursion(const std::uint8_t* values, std::size_t n, double mean) {
    double most = 0;
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
        sum += values[i];
        most = std::max(most, std::abs(static_cast<double>(sum) - static_cast<double>(i + 1) * mean));
    }
    return most;
}

struct Runs {
    std::size_t number = 0, longest = 0, ups = 0;
};

// Runs of n steps, each up or not; without a branch, for nobody can guess which.
template <typename Up>
Runs runs(std::size_t n, Up up) {
    Runs out;
    std::size_t length = 0;
    bool last = n == 0 || !up(0);
    for (std::size_t i = 0; i < n; ++i) {
        const bool now = up(i);
        length = 1 + (length & (std::size_t{now != last} - 1));
        out.number += now != last;
        out.longest = std::max(out.longest, length);
        out.ups += now;
        last = now;
    }
    return out;
}

// Samples until one comes twice, over and over: how many waits end, their sum and the longest.
void collisions(const std::uint8_t* symbols, std::size_t n, double& mean, double& longest) {
    std::array<std::size_t, 256> seen{};  // the wait in which each symbol was last seen, from 1 on
    std::size_t from = 0, waits = 0, most = 0;
    for (std::size_t i = 0; i < n; ++i) {
        if (seen[symbols[i]] == waits + 1) {
            most = std::max(most, i + 1 - from);
            from = i + 1;
            ++waits;
        } else {
            seen[symbols[i]] = waits + 1;
        }
    }
    mean = waits == 0 ? 0 : static_cast<double>(from) / static_cast<double>(waits);
    longest = static_cast<double>(most);
}

double periodicity(const std::uint8_t* symbols, std::size_t n, std::size_t lag) {
    std::size_t same = 0;
    for (std::size_t i = 0; i + lag < n; ++i) same += symbols[i] == symbols[i + lag];
    return static_cast<double>(same);
}

double covariance(const std::uint8_t* values, std::size_t n, std::size_t lag) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i + lag < n; ++i) sum += std::uint32_t{values[i]} * values[i + lag];
    return static_cast<double>(sum);
}

}  // namespace

void permutation_statistics(const std::uint8_t* values, const std::uint8_t* symbols, std::size_t n, unsigned n_symbols,
                            double mean, double median, std::uint32_t wanted, double* out) {
    const auto asked = [wanted](unsigned first, unsigned last) { return (wanted >> first & ((1u << (last - first + 1)) - 1)) != 0; };
    const auto put = [&](unsigned s, double value) {
        if (wanted >> s & 1) out[s] = value;
    };
    const bool binary = n_symbols == 2;
    std::vector<std::uint8_t> ones, octets;  // conversions I and II of 5.1
    if (binary && (asked(1, 3) || asked(6, 17))) {
        ones.assign((n + 7) / 8, 0);
        octets.assign((n + 7) / 8, 0);
        for (std::size_t i = 0; i < n; i += 8) {
            unsigned octet = 0;
            for (std::size_t k = i; k < i + 8; ++k) octet = octet << 1 | (k < n ? symbols[k] : 0);
            octets[i / 8] = static_cast<std::uint8_t>(octet);
            ones[i / 8] = static_cast<std::uint8_t>(std::popcount(octet));
        }
    }
    const std::uint8_t* steps = binary ? ones.data() : symbols;
    const std::uint8_t* factors = binary ? ones.data() : values;
    const std::size_t n_steps = binary ? (n + 7) / 8 : n;

    if (asked(0, 0)) put(0, excursion(values, n, mean));
    if (asked(1, 3)) {
        const Runs found = runs(n_steps - 1, [steps](std::size_t i) { return steps[i] <= steps[i + 1]; });
        put(1, static_cast<double>(found.number));
        put(2, static_cast<double>(found.longest));
        put(3, static_cast<double>(std::max(found.ups, n_steps - 1 - found.ups)));
    }
    if (asked(4, 5)) {
        const auto least = static_cast<unsigned>(std::ceil(median));
        const Runs found = runs(n, [symbols, least](std::size_t i) { return symbols[i] >= least; });
        put(4, static_cast<double>(found.number));
        put(5, static_cast<double>(found.longest));
    }
    if (asked(6, 7)) {
        double average = 0, longest = 0;
        collisions(binary ? octets.data() : symbols, n_steps, average, longest);
        put(6, average);
        put(7, longest);
    }
    for (unsigned k = 0; k < kLags.size(); ++k) {
        if (asked(8 + k, 8 + k)) put(8 + k, periodicity(steps, n_steps, kLags[k]));
        if (asked(13 + k, 13 + k)) put(13 + k, covariance(factors, n_steps, kLags[k]));
    }
}

}  // namespace haris
