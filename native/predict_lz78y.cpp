// LZ78Y: the commonest successor of the last 16 to 1 symbols, by the greatest count; the dictionary holds 65 536 contexts.
#include "predictors.hpp"

#include <array>

#include "contexts.hpp"

namespace haris {
namespace {

constexpr unsigned kDepths = 16;
constexpr std::size_t kMostContexts = 65536;

Predicted of_symbols(const std::uint8_t* symbols, std::size_t n) {
    std::array<Followers, kDepths + 1> after;
    std::size_t n_contexts = 0;
    Context context;
    Predicted out;
    for (std::size_t i = 0; i < n; ++i) {
        const std::uint8_t symbol = symbols[i];
        std::uint32_t best_count = 0;
        std::uint8_t best = 0;
        for (unsigned depth = i >= kDepths ? kDepths : 0; depth >= 1; --depth) {
            Followers& table = after[depth];
            const Context key = context.last(depth);
            std::uint32_t at = table.find(key);
            if (at == Followers::kNone) {
                if (n_contexts == kMostContexts) continue;
                ++n_contexts;
                at = table.insert(key);
            } else if (table[at].best_count > best_count) {
                best_count = table[at].best_count;
                best = table[at].best;
            }
            table.count(at, symbol, true);
        }
        if (i > kDepths) out.count(best_count > 0 && best == symbol);
        context.push(symbol);
    }
    return out;
}

Predicted of_bits(const std::uint8_t* bits, std::size_t n) {
    BitFollowers after;
    std::size_t n_contexts = 0;
    std::uint32_t history = 0;
    Predicted out;
    for (std::size_t i = 0; i < n; ++i) {
        const std::uint8_t bit = bits[i];
        std::uint32_t best_count = 0;
        std::uint8_t best = 0;
        for (unsigned depth = i >= kDepths ? kDepths : 0; depth >= 1; --depth) {
            std::uint32_t* count = after.of(history, depth);
            const std::uint8_t more = count[0] > count[1] ? 0 : 1;
            if (count[more] > best_count) {
                best_count = count[more];
                best = more;
            }
            if (count[more] == 0) {
                if (n_contexts == kMostContexts) continue;
                ++n_contexts;
            }
            ++count[bit];
        }
        if (i > kDepths) out.count(best_count > 0 && best == bit);
        history = history << 1 | bit;
    }
    return out;
}

}  // namespace

Predicted predict_lz78y(const std::uint8_t* symbols, std::size_t n, unsigned n_symbols) {
    return n_symbols == 2 ? of_bits(symbols, n) : of_symbols(symbols, n);
}

}  // namespace haris
