// The four predictors of NIST SP 800-90B, 6.3.7 to 6.3.10, and the waiting times of 6.3.2: counts of a whole sequence.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nanobind {
class module_;
}

namespace haris {

struct Predicted {
    std::int64_t correct = 0;
    std::int64_t longest_run = 0;

    void count(bool right) {
        run_ = right ? run_ + 1 : 0;
        correct += right;
        if (run_ > longest_run) longest_run = run_;
    }

private:
    std::int64_t run_ = 0;
};

// Symbols are below n_symbols, 2 to 256.
Predicted predict_mcw(const std::uint8_t* symbols, std::size_t n, unsigned n_symbols);
Predicted predict_lag(const std::uint8_t* symbols, std::size_t n, unsigned n_symbols);
Predicted predict_mmc(const std::uint8_t* symbols, std::size_t n, unsigned n_symbols);
Predicted predict_lz78y(const std::uint8_t* symbols, std::size_t n, unsigned n_symbols);

struct Collisions {
    std::int64_t n_times;
    std::int64_t sum_times;
};
Collisions collision_times(const std::uint8_t* bits, std::size_t n);

void bind_predictors(nanobind::module_& m);

}  // namespace haris
