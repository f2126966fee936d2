#include "deal.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace haris {
namespace {

constexpr std::size_t kTile = 256;  // blocks that are filled together
constexpr std::size_t kVector = 16, kLine = 64;  // octets

template <typename Code>
inline constexpr std::size_t kSquare = kVector / sizeof(Code);  // rows that are turned into columns together

using Octets = std::uint8_t __attribute__((vector_size(kVector)));
using Pairs = std::uint16_t __attribute__((vector_size(kVector)));

inline Octets low_halves(Octets a, Octets b) {
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
inline Octets high_halves(Octets a, Octets b) {
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
inline Pairs low_halves(Pairs a, Pairs b) { return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11); }
inline Pairs high_halves(Pairs a, Pairs b) { return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15); }

// As many perfect shuffles as its side has bits turn the rows of a square into columns.
template <typename Vector, std::size_t n>
inline void transpose(Vector (&x)[n]) {
    Vector y[n];
    for (std::size_t side = 1; side < n; side *= 2) {
        for (std::size_t i = 0; i < n / 2; ++i) {
            y[2 * i] = low_halves(x[i], x[i + n / 2]);
            y[2 * i + 1] = high_halves(x[i], x[i + n / 2]);
        }
        std::memcpy(x, y, sizeof x);
    }
}

template <typename Code>
using Vector = std::conditional_t<sizeof(Code) == 1, Octets, Pairs>;

// Lanes of ones where a sample was an end of the range.
template <typename Code>
struct Ends {
    const Code last;
    Vector<Code> met{};
    void add(Vector<Code> x) { met |= (Vector<Code>)(x == 0) | (Vector<Code>)(x == last); }
    void add(Code x) { met[0] |= static_cast<Code>(x == 0 || x == last); }
    bool any() const {
        std::uint64_t words[2];
        std::memcpy(words, &met, sizeof words);
        return (words[0] | words[1]) != 0;
    }
};

template <typename Code>
void scatter(const Code* const* rows, std::size_t n_rows, std::size_t blocks, std::size_t stride, Code* out,
             Ends<Code>& ends) {
    for (std::size_t b = 0; b < blocks; ++b)
        for (std::size_t r = 0; r < n_rows; ++r) ends.add(out[b * stride + r] = rows[r][b]);
}

template <typename Code>
void squares(const Code* const* rows, std::size_t blocks, std::size_t stride, Code* out, Ends<Code>& ends) {
    constexpr std::size_t n = kSquare<Code>;
    std::size_t b = 0;
    for (; b + n <= blocks; b += n) {
        Vector<Code> x[n];
        for (std::size_t r = 0; r < n; ++r) std::memcpy(&x[r], rows[r] + b, kVector);
        for (std::size_t r = 0; r < n; ++r) ends.add(x[r]);
        transpose(x);
        for (std::size_t i = 0; i < n; ++i) std::memcpy(out + (b + i) * stride, &x[i], kVector);
    }
    const Code* rest[n];
    for (std::size_t r = 0; r < n; ++r) rest[r] = rows[r] + b;
    scatter(rest, n, blocks - b, stride, out + b * stride, ends);
}

}  // namespace

template <typename Code>
bool deal(const Code* frame, std::size_t rows, std::size_t columns, const std::uint32_t* turns, std::size_t first,
          std::size_t blocks, Code last, Code* out) {
    Ends<Code> ends{last};
    constexpr std::size_t n_square = kSquare<Code>;
    Code around[n_square][kTile];  // parts of rows that run over their end
    for (std::size_t b = 0; b < blocks; b += kTile) {
        const std::size_t n = std::min(kTile, blocks - b);
        for (std::size_t r = 0; r < rows; r += n_square) {
            const std::size_t n_rows = std::min(n_square, rows - r);
            const Code* part[n_square];
            for (std::size_t i = 0; i < n_rows; ++i) {
                const Code* row = frame + (r + i) * columns;
                std::size_t at = first + b + turns[r + i];  // below twice a row's length
                if (at >= columns) at -= columns;
                part[i] = row + at;
                for (std::size_t ahead = 0; ahead < kTile; ahead += kLine / sizeof(Code))
                    __builtin_prefetch(row + at + kTile + ahead);
                if (at + n > columns) {
                    for (std::size_t k = 0; k < n; ++k) around[i][k] = row[at + k < columns ? at + k : at + k - columns];
                    part[i] = around[i];
                }
            }
            if (n_rows == n_square)
                squares(part, n, rows, out + b * rows + r, ends);
            else
                scatter(part, n_rows, n, rows, out + b * rows + r, ends);
        }
    }
    return ends.any();
}

template bool deal(const std::uint8_t*, std::size_t, std::size_t, const std::uint32_t*, std::size_t, std::size_t,
                   std::uint8_t, std::uint8_t*);
template bool deal(const std::uint16_t*, std::size_t, std::size_t, const std::uint32_t*, std::size_t, std::size_t,
                   std::uint16_t, std::uint16_t*);

}  // namespace haris
