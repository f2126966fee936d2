// MultiMMC: what most often followed the last 1 to 16 symbols; each depth holds at most 100 000 pairs.
#include "predictors.hpp"

#include <algorithm>
#include <array>

#include "contexts.hpp"

namespace haris {
namespace {

constexpr unsigned kDepths = 16;
constexpr std::size_t kMostPairs = 100000;

Predicted of_symbols(const std::uint8_t* symbols, std::size_t n) {
    std::array<Followers, kDepths + 1> after;
    std::array<std::size_t, kDepths + 1> n_pairs{};
    std::array<std::int64_t, kDepths + 1> score{};
    Context context;
    Predicted out;
    unsigned winner = 1;
    for (std::size_t i = 0; i < n; ++i) {
        const std::uint8_t symbol = symbols[i];
        const unsigned predicting = winner;
        bool known = i >= 2, right = false;
        for (unsigned depth = 1; depth <= std::min<std::size_t>(kDepths, i); ++depth) {
            Followers& table = after[depth];
            const Context key = context.last(depth);
            const std::uint32_t at = known && depth < i ? table.find(key) : Followers::kNone;
            known = at != Followers::kNone;
            if (known) {
                if (table[at].best == symbol) {
                    if (++score[depth] >= score[winner]) winner = depth;
                    right |= depth == predicting;
                }
                n_pairs[depth] += table.count(at, symbol, n_pairs[depth] < kMostPairs);
            } else if (n_pairs[depth] < kMostPairs) {
                table.count(table.insert(key), symbol, true);
                ++n_pairs[depth];
            }
        }
        if (i >= 2) out.count(right);
        context.push(symbol);
    }
    return out;
}

Predicted of_bits(const std::uint8_t* bits, std::size_t n) {
    BitFollowers after;
    std::array<std::size_t, kDepths + 1> n_pairs{};
    std::array<std::int64_t, kDepths + 1> score{};
    std::uint32_t history = 0;
    Predicted out;
    unsigned winner = 1;
    for (std::size_t i = 0; i < n; ++i) {
        const std::uint8_t bit = bits[i];
        const unsigned predicting = winner;
        bool known = i >= 2, right = false;
        for (unsigned depth = 1; depth <= std::min<std::size_t>(kDepths, i); ++depth) {
            std::uint32_t* count = after.of(history, depth);
            known = known && depth < i && (count[0] | count[1]) != 0;
            if (known && (count[0] > count[1] ? 0 : 1) == bit) {
                if (++score[depth] >= score[winner]) winner = depth;
                right |= depth == predicting;
            }
            if (count[bit] != 0) {
                ++count[bit];
            } else if (n_pairs[depth] < kMostPairs) {
                count[bit] = 1;
                ++n_pairs[depth];
            }
        }
        if (i >= 2) out.count(right);
        history = history << 1 | bit;
    }
    return out;
}

}  // namespace

Predicted predict_mmc(const std::uint8_t* symbols, std::size_t n, unsigned n_symbols) {
    return n_symbols == 2 ? of_bits(symbols, n) : of_symbols(symbols, n);
}

}  // namespace haris
