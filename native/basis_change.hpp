// Changes of basis of polynomials in X whose coefficients are rows of octets: the additive transform wants them in the
// basis of products of the subspace polynomials s_i(X).
//
// Where i is a power of two, s_i is X^(2^i) + X: expand in powers of the greatest, then go on with both indices (S. Gao,
// T. Mateer, IEEE Trans. Inf. Theory 56, 6265 (2010)). All factors are 0 or 1.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace haris {

enum class Basis { kChange, kTransposedInverse, kTransposed };

template <class Isa, Basis Kind>
class BasisChange {
    using Octets = typename Isa::Octets;
    static constexpr std::size_t kStep = Isa::kOctets;

  public:
    // In place, 2^log_units units of `unit` octets. Nothing from `end` on is read or written: there stand zeros, or
    // (transposed) what is not wanted.
    static void run(std::uint8_t* data, std::size_t unit, unsigned log_units, const std::uint8_t* end) {
        if (log_units < 2 || data + unit >= end) return;
        const bool whole = data + (unit << log_units) <= end;
        if (whole && log_units == 4) return few<4>(data, unit);
        if (whole && log_units == 3) return few<3>(data, unit);
        if (whole && log_units == 2) return few<2>(data, unit);
        const unsigned half = std::bit_floor(log_units - 1);
        if constexpr (Kind == Basis::kTransposed) parts(data, unit, log_units, half, end);
        for (unsigned step = half; step < log_units; ++step) {
            const unsigned i = Kind == Basis::kTransposed ? step : log_units + half - 1 - step;
            const std::size_t reach = unit << i, shift = unit << (i - half);
            for (std::uint8_t* p = data; p + reach < end && p < data + (unit << log_units); p += 2 * reach) {
                if constexpr (Kind != Basis::kTransposed) add_part(p + reach, p + 2 * reach - shift, shift, end);
                add_part(p + shift, p + reach, reach - shift, end);
                if constexpr (Kind == Basis::kTransposed) add_part(p + reach, p + 2 * reach - shift, shift, end);
            }
        }
        if constexpr (Kind != Basis::kTransposed) parts(data, unit, log_units, half, end);
    }

    // The expansion of 2^log_rows rows in powers of X^256 + X, where 256 rows of `row` octets lie `stride` octets after
    // the 256 before. Row j moves by multiples of 255 only, so that the rows of each residue may be taken for
    // themselves and stay in the cache.
    __attribute__((noinline)) static void expand(std::uint8_t* data, std::size_t row, std::size_t stride,
                                                 unsigned log_rows, std::size_t rows) {
        const auto at = [&](std::size_t j) { return data + (j >> 8) * stride + (j & 255) * row; };
        for (std::size_t residue = 0; residue < 255; ++residue) {
            const std::size_t members = (rows - residue + 254) / 255;
            for (unsigned step = 8; step < log_rows; ++step) {
                const unsigned i = Kind == Basis::kTransposed ? step : log_rows + 7 - step;
                const std::size_t distance = std::size_t{255} << (i - 8);
                for (std::size_t n = 0; n < members; ++n) {
                    const std::size_t j = residue + 255 * (Kind == Basis::kTransposed ? n : members - 1 - n);
                    if (step == 8) __builtin_prefetch(at(j) + row, 1);  // of the next residue
                    if ((j >> i) & 1) add(at(j - distance), at(j), row);
                }
            }
        }
    }

  private:
    static void parts(std::uint8_t* data, std::size_t unit, unsigned log_units, unsigned half,
                      const std::uint8_t* end) {
        run(data, unit << half, log_units - half, end);
        for (std::size_t i = 0; i < (std::size_t{1} << (log_units - half)); ++i)
            run(data + i * (unit << half), unit, half, end);
    }

    // low += high, or (transposed) high += low.
    HARIS_INLINE static void add(std::uint8_t* low, std::uint8_t* high, std::size_t octets) {
        std::uint8_t* to = Kind == Basis::kChange ? low : high;
        const std::uint8_t* from = Kind == Basis::kChange ? high : low;
        for (std::size_t i = 0; i < octets; i += kStep)
            Isa::store(to + i, Isa::add(Isa::load(to + i), Isa::load(from + i)));
    }
    // The same as far as high lies before end.
    static void add_part(std::uint8_t* low, std::uint8_t* high, std::size_t octets, const std::uint8_t* end) {
        if (high < end) add(low, high, std::min(octets, static_cast<std::size_t>(end - high)));
    }

    // The same change for a few units, in registers.
    template <unsigned LogUnits>
    static void few(std::uint8_t* data, std::size_t unit) {
        constexpr std::size_t kUnits = std::size_t{1} << LogUnits;
        for (std::size_t at = 0; at < unit; at += kStep) {
            Octets x[kUnits];
            for (std::size_t i = 0; i < kUnits; ++i) x[i] = Isa::load(data + i * unit + at);
            registers<LogUnits, 1>(x);
            for (std::size_t i = 0; i < kUnits; ++i) Isa::store(data + i * unit + at, x[i]);
        }
    }
    template <unsigned LogUnits, std::size_t Unit>
    HARIS_INLINE static void registers(Octets* x) {
        if constexpr (LogUnits > 1) {
            constexpr unsigned kHalf = std::bit_floor(LogUnits - 1);
            if constexpr (Kind == Basis::kTransposed) register_parts<LogUnits, kHalf, Unit>(x);
            for (unsigned step = 0; step < LogUnits - kHalf; ++step) {
                const unsigned i = Kind == Basis::kTransposed ? kHalf + step : LogUnits - 1 - step;
                const std::size_t reach = std::size_t{1} << i, shift = reach >> kHalf;
                for (std::size_t p = 0; p < (std::size_t{1} << LogUnits); p += 2 * reach)
                    for (std::size_t n = 0; n < reach; ++n)
                        for (std::size_t lane = 0; lane < Unit; ++lane) {
                            const std::size_t j = Kind == Basis::kTransposed ? n : reach - 1 - n;
                            Octets& low = x[(p + shift + j) * Unit + lane];
                            Octets& high = x[(p + reach + j) * Unit + lane];
                            if constexpr (Kind == Basis::kChange) low = Isa::add(low, high);
                            else high = Isa::add(high, low);
                        }
            }
            if constexpr (Kind != Basis::kTransposed) register_parts<LogUnits, kHalf, Unit>(x);
        }
    }
    template <unsigned LogUnits, unsigned Half, std::size_t Unit>
    HARIS_INLINE static void register_parts(Octets* x) {
        registers<LogUnits - Half, (Unit << Half)>(x);
        for (std::size_t i = 0; i < (std::size_t{1} << (LogUnits - Half)); ++i)
            registers<Half, Unit>(x + i * (Unit << Half));
    }
};

}  // namespace haris
