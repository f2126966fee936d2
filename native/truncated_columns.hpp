// The first layers of transforms that are too long for the caches, and of lengths that are no powers of two: L of
// 2^log_outer units of rows. Columns of all units are gathered, embedded, transformed and put back, so that memory is
// read and written once.
//
// A polynomial of L units of coefficients is evaluated on the first L of 2^log_outer blocks of points: M = R T E, where
// E appends zeros, T is the whole transform and R restricts. The key wants M, the result M^T, and the seed M^-T, which
// is the transposed inverse after J. van der Hoeven, The truncated Fourier transform and applications, ISSAC 2004.
#pragma once

#include "additive_fft.hpp"
#include "basis_change.hpp"
#include "toeplitz.hpp"
#include "wiped.hpp"

namespace haris {

template <class Isa>
class TruncatedColumns {
    using Fft = AdditiveFft<Isa>;
    static constexpr std::size_t kStep = Isa::kOctets;
    static constexpr std::size_t kBuffer = std::size_t{1} << 15, kMostWidth = 512;
    static constexpr std::size_t kPlane = kBuffer + 192;  // lest the two planes alias in the first-level cache

    const ToeplitzShape& shape_;
    std::size_t most_width_;
    const std::uint8_t* ahead_ = nullptr;  // unit of the next column that is to be fetched meanwhile
    std::size_t ahead_units_ = 0;
    alignas(64) std::uint8_t gathered_[2 * kPlane];

  public:
    explicit TruncatedColumns(const ToeplitzShape& shape)
        : shape_(shape), most_width_(std::min({kMostWidth, kBuffer >> shape.log_outer, shape.unit_octets()})) {}
    TruncatedColumns(const TruncatedColumns&) = delete;
    TruncatedColumns& operator=(const TruncatedColumns&) = delete;
    ~TruncatedColumns() {
        for (int plane = 0; plane < 2; ++plane) wipe(gathered_ + plane * kPlane, most_width_ << shape_.log_outer);
    }

    // Octets of the key in the low plane to values in both.
    void key(std::uint8_t* data) {
        const std::size_t units = shape_.units_of(shape_.key_rows);
        each(data, [&](std::uint8_t* column, std::size_t width) {
            gather(column, width, units);
            change<Basis::kChange>(gathered_, width, units);
            Fft::embed(gathered_, kPlane, units * width);
            clear(width, units);
            truncated<true, false>(gathered_, width, shape_.log_outer, 0, shape_.units);
            scatter(column, width, shape_.units, 2);
        });
    }
    // The same for the seed, by the transposed inverse.
    void seed(std::uint8_t* data) {
        each(data, [&](std::uint8_t* column, std::size_t width) {
            gather(column, width, shape_.units);
            change<Basis::kTransposedInverse>(gathered_, width, shape_.units);
            Fft::embed(gathered_, kPlane, shape_.units * width);
            solve(gathered_, width, shape_.log_outer, 0, shape_.units);
            scatter(column, width, shape_.units, 2);
        });
    }
    // Values to the two planes of octets of the result, by the transpose. Units that are not wanted are wiped.
    void result(std::uint8_t* data) {
        const std::size_t units = shape_.units_of(shape_.out_rows);
        each(data, [&](std::uint8_t* column, std::size_t width) {
            gather(column, width, shape_.units, 2);
            clear(width, shape_.units);
            for (std::size_t u = units; u < shape_.units; ++u)
                for (std::size_t plane : {std::size_t{0}, shape_.plane})
                    std::memset(column + plane + u * shape_.stride, 0, width);
            truncated<false, true>(gathered_, width, shape_.log_outer, 0, shape_.units);
            Fft::extract(gathered_, kPlane, units * width);
            change<Basis::kTransposed>(gathered_, width, units);
            change<Basis::kTransposed>(gathered_ + kPlane, width, units);
            scatter(column, width, units, 2);
        });
    }

  private:
    template <class Work>
    void each(std::uint8_t* data, const Work& work) {
        const std::size_t octets = shape_.unit_octets();
        for (std::size_t at = 0; at < octets; at += most_width_) {
            ahead_ = data + at + most_width_;
            ahead_units_ = at + most_width_ < octets ? shape_.units : 0;
            work(data + at, std::min(most_width_, octets - at));
        }
    }
    // Asks for the next few units of the next column, of both planes: no processor sees so long strides coming.
    HARIS_INLINE void look_ahead() {
        for (int i = 0; i < 4 && ahead_units_ > 0; ++i, --ahead_units_, ahead_ += shape_.stride)
            for (std::size_t at = 0; at < most_width_; at += 64) {
                __builtin_prefetch(ahead_ + at, 1);
                __builtin_prefetch(ahead_ + shape_.plane + at, 1);
            }
    }
    __attribute__((noinline)) void gather(const std::uint8_t* column, std::size_t width, std::size_t units,
                                          int planes = 1) {
        for (int plane = 0; plane < planes; ++plane)
            for (std::size_t u = 0; u < units; ++u)
                copy(gathered_ + plane * kPlane + u * width, column + plane * shape_.plane + u * shape_.stride, width);
    }
    __attribute__((noinline)) void scatter(std::uint8_t* column, std::size_t width, std::size_t units,
                                           int planes) const {
        for (int plane = 0; plane < planes; ++plane)
            for (std::size_t u = 0; u < units; ++u)
                copy(column + plane * shape_.plane + u * shape_.stride, gathered_ + plane * kPlane + u * width, width);
    }
    HARIS_INLINE static void copy(std::uint8_t* to, const std::uint8_t* from, std::size_t octets) {
        for (std::size_t i = 0; i < octets; i += kStep) Isa::store(to + i, Isa::load(from + i));
    }
    void clear(std::size_t width, std::size_t units) {
        const std::size_t all = width << shape_.log_outer;
        for (int plane = 0; plane < 2; ++plane)
            std::memset(gathered_ + plane * kPlane + units * width, 0, all - units * width);
    }
    template <Basis Kind>
    void change(std::uint8_t* data, std::size_t width, std::size_t units) const {
        if (shape_.in_two_storeys()) BasisChange<Isa, Kind>::run(data, width, shape_.log_outer, data + units * width);
    }

    // The transform and (transposed) its transpose; of values, those after the first `wanted` are not looked at, or are
    // zeros.
    template <bool Forward, bool Transposed>
    void truncated(std::uint8_t* data, std::size_t width, unsigned log, std::uint32_t block, std::size_t wanted) {
        if (wanted == 0 || log == 0) return;
        if (log <= 2) look_ahead();
        const unsigned n_layers = log % 2 ? 1 : 2;
        const std::size_t units = std::size_t{1} << (log - n_layers);
        if (Forward) layers<Forward, Transposed>(data, width * units, n_layers, block);
        for (std::uint32_t i = 0; i < (1u << n_layers); ++i)
            truncated<Forward, Transposed>(data + i * units * width, width, log - n_layers, (block << n_layers) + i,
                                           std::min(units, wanted - std::min(wanted, i * units)));
        if (!Forward) layers<Forward, Transposed>(data, width * units, n_layers, block);
    }
    template <bool Forward, bool Transposed>
    static void layers(std::uint8_t* data, std::size_t octets, unsigned n_layers, std::uint32_t block) {
        if (n_layers == 1) Fft::template layers<Forward, Transposed, 1>(data, kPlane, octets, block);
        else Fft::template layers<Forward, Transposed, 2>(data, kPlane, octets, block);
    }

    // The transposed inverse where only the first `known` of 2^log units are given, and the values of the others are
    // zeros: the values of the first stand there in the end, and what the others would have been given.
    void solve(std::uint8_t* data, std::size_t width, unsigned log, std::uint32_t block, std::size_t known) {
        if (known == std::size_t{1} << log) return truncated<true, true>(data, width, log, block, known);
        if (known == 0) {
            for (int plane = 0; plane < 2; ++plane) std::memset(data + plane * kPlane, 0, width << log);
            return;
        }
        const std::size_t units = std::size_t{1} << (log - 1), octets = units * width;
        std::uint8_t *a = data, *b = data + octets;
        const field::Element t = field::point(2 * block);
        if (known < units) {
            Fft::multiple(b, a, kPlane, known * width, t);
            solve(a, width, log - 1, 2 * block, known);
            Fft::multiple(b + known * width, a + known * width, kPlane, octets - known * width, t);
            return;
        }
        const std::size_t split = (known - units) * width;
        Fft::transposed_inverse(a, b, kPlane, split, t);
        solve(b, width, log - 1, 2 * block + 1, known - units);
        Fft::half_known(a + split, b + split, kPlane, octets - split, t);
        truncated<true, true>(a, width, log - 1, 2 * block, units);
    }
};

}  // namespace haris
