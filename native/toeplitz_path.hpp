// Toeplitz hashing by additive Fourier transforms, once for every instruction set Isa.
//
// Octets of key and seed are polynomials in a generator of GF(2^16); rows of D of them are a polynomial in X whose
// coefficients are polynomials in z, z^D = X. The hash y_i = sum_j s_{i + j} b_j, b the key reversed, is the transpose
// of the multiplication of m coefficients by b. Multiplication is E^-1 P E with E the evaluation at as many points x of
// X as there are rows and P the products modulo z^D - x. So the hash is E^T P^T E^-T: no more points than n + m octets.
#pragma once

#include "additive_fft.hpp"
#include "basis_change.hpp"
#include "toeplitz.hpp"
#include "tower_product.hpp"
#include "truncated_columns.hpp"
#include "wiped.hpp"

namespace haris {

template <class Isa, int W>
class RowProducts {
    using Fft = AdditiveFft<Isa>;
    using Word = std::uint64_t;
    static constexpr std::size_t kRow = 64 * W;
    static constexpr unsigned kLogGroup = W == 1 ? 4 : 2;  // of rows that fit the first-level cache

    // A part of a few rows' work that lives as long as the transform, and is wiped with it.
    struct Work {
        Polynomial<Isa, W> factors[16], product[16];
        alignas(64) std::uint8_t octets[Isa::kRows][2][2 * kRow];
    };

    std::size_t plane_;
    Work work_;

  public:
    explicit RowProducts(std::size_t plane) : plane_(plane) {}
    RowProducts(const RowProducts&) = delete;
    RowProducts& operator=(const RowProducts&) = delete;
    ~RowProducts() { wipe(&work_, sizeof work_); }

    // key and seed: blocks of 2^log_rows rows, two planes each; the seed's becomes the result's.
    void run(std::uint8_t* key, std::uint8_t* seed, unsigned log_rows, std::uint32_t block) {
        if (log_rows == 0) group<0>(key, seed, block);
        else if (log_rows == 1) group<1>(key, seed, block);
        else if (log_rows == 2) group<2>(key, seed, block);
        else if (log_rows < kLogGroup) group<3>(key, seed, block);
        else if (log_rows == kLogGroup) group<kLogGroup>(key, seed, block);
        else if (log_rows == kLogGroup + 1) split<1>(key, seed, log_rows, block);
        else split<2>(key, seed, log_rows, block);
    }

  private:
    template <unsigned Layers>
    void split(std::uint8_t* key, std::uint8_t* seed, unsigned log_rows, std::uint32_t block) {
        const std::size_t part = kRow << (log_rows - Layers);
        Fft::template layers<true, false, Layers>(key, plane_, part, block);
        Fft::template layers<true, true, Layers>(seed, plane_, part, block);
        for (std::uint32_t i = 0; i < (1u << Layers); ++i)
            run(key + i * part, seed + i * part, log_rows - Layers, (block << Layers) + i);
        Fft::template layers<false, true, Layers>(seed, plane_, part, block);
    }

    // The last layers, the products and the first layers back.
    template <unsigned LogRows>
    void group(std::uint8_t* key, std::uint8_t* seed, std::uint32_t block) {
        constexpr std::size_t kRows = std::size_t{1} << LogRows;
        Fft::template transform<true, false, LogRows, kRow>(key, plane_, block);
        Fft::template transform<true, true, LogRows, kRow>(seed, plane_, block);
        for (std::size_t r = 0; r < kRows; r += Isa::kRows)
            multiply(key + r * kRow, seed + r * kRow, kRows - r < Isa::kRows ? kRows - r : Isa::kRows,
                     (block << LogRows) + static_cast<std::uint32_t>(r));
        Fft::template transform<false, true, LogRows, kRow>(seed, plane_, block);
    }

    // b_i = p_{D + i} + x p_i, p = a b: the transposed product modulo z^D - x of each row, a read backwards, for the
    // octets b that come an index later than the sum says.
    void multiply(const std::uint8_t* a, std::uint8_t* b, std::size_t count, std::uint32_t index) {
        for (std::size_t half = 0; half < 2; ++half)
            for (std::size_t w = 0; w < W; ++w) {
                const std::size_t at = half * plane_ + 64 * w;
                Isa::planes(a + at, b + at, kRow, count, &work_.factors[8 * half].words[w], W);
            }
        multiply_tower<Isa, W, 16>(work_.factors, work_.product);
        for (std::size_t half = 0; half < 2; ++half)
            for (std::size_t w = 0; w < W; ++w)
                Isa::octets(&work_.product[8 * half].words[w], W, work_.octets[0][half] + 128 * w,
                            sizeof work_.octets[0]);
        for (std::size_t r = 0; r < count; ++r)
            Fft::fold(b + r * kRow, plane_, work_.octets[r][0], kRow, 2 * kRow, field::point(index + r));
    }
};

template <class Isa, int W>
void toeplitz_products(std::uint8_t* key, std::uint8_t* seed, const ToeplitzShape& shape) {
    RowProducts<Isa, W> products(shape.plane);
    for (std::uint32_t u = 0; u < shape.units; ++u, key += shape.stride, seed += shape.stride) {
        products.run(key, seed, shape.log_inner, u);
        wipe(key, shape.unit_octets());
        wipe(key + shape.plane, shape.unit_octets());
    }
}

// The part of a change of basis that goes over more than columns.
template <class Isa, Basis Kind>
void change_basis(std::uint8_t* data, std::size_t rows, const ToeplitzShape& shape) {
    using Change = BasisChange<Isa, Kind>;
    const unsigned log_rows = shape.log_inner + shape.log_outer;
    const std::size_t row = shape.row();
    if (!shape.in_two_storeys()) return Change::run(data, row, log_rows, data + rows * row);
    if (Kind != Basis::kTransposed) Change::expand(data, row, shape.stride, log_rows, rows);
    for (std::size_t u = 0; u < shape.units_of(rows); ++u) {
        std::uint8_t* unit = data + u * shape.stride;
        const std::size_t left = (rows - (u << shape.log_inner)) * row;
        Change::run(unit, row, shape.log_inner, unit + std::min(shape.unit_octets(), left));
    }
    if (Kind == Basis::kTransposed) Change::expand(data, row, shape.stride, log_rows, rows);
}

template <class Isa>
void toeplitz_transforms(std::uint8_t* key, std::uint8_t* seed, const ToeplitzShape& shape) {
    TruncatedColumns<Isa> columns(shape);
    change_basis<Isa, Basis::kChange>(key, shape.key_rows, shape);
    columns.key(key);
    change_basis<Isa, Basis::kTransposedInverse>(seed, shape.units << shape.log_inner, shape);
    columns.seed(seed);
    switch (shape.words) {
        case 1: toeplitz_products<Isa, 1>(key, seed, shape); break;
        case 2: toeplitz_products<Isa, 2>(key, seed, shape); break;
        case 3: toeplitz_products<Isa, 3>(key, seed, shape); break;
        case 4: toeplitz_products<Isa, 4>(key, seed, shape); break;
        case 5: toeplitz_products<Isa, 5>(key, seed, shape); break;
        case 6: toeplitz_products<Isa, 6>(key, seed, shape); break;
        case 8: toeplitz_products<Isa, 8>(key, seed, shape); break;
        case 12: toeplitz_products<Isa, 12>(key, seed, shape); break;
        default: toeplitz_products<Isa, 20>(key, seed, shape); break;
    }
    columns.result(seed);
    change_basis<Isa, Basis::kTransposed>(seed, shape.out_rows, shape);
    change_basis<Isa, Basis::kTransposed>(seed + shape.plane, shape.out_rows, shape);
    // What the products' temporaries leave on the stack: more than they take.
    if (shape.words <= 2) wipe_stack<std::size_t{1} << 14>();
    else wipe_stack<std::size_t{1} << 17>();
}

}  // namespace haris
