// Lag: the symbol of 1 to 128 samples before; the lag that was right most often, the last to get there, predicts.
#include "predictors.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

namespace haris {
namespace {

constexpr std::size_t kLags = 128;

// Walks the chain of equal symbols backwards: only the lags that are right.
Predicted by_chain(const std::uint8_t* symbols, std::size_t n, unsigned n_symbols) {
    std::array<std::int64_t, kLags + 1> score{};
    std::array<std::int64_t, kLags> before{};  // of each sample, the last one that is equal
    std::vector<std::int64_t> last(n_symbols, -1);
    Predicted out;
    std::size_t winner = 1;
    for (std::size_t i = 0; i < n; ++i) {
        if (i > 0) out.count(i >= winner && symbols[i] == symbols[i - winner]);
        const auto now = static_cast<std::int64_t>(i);
        for (std::int64_t at = last[symbols[i]]; at >= 0 && now - at <= std::int64_t{kLags}; at = before[at % kLags]) {
            const auto lag = static_cast<std::size_t>(now - at);
            if (++score[lag] >= score[winner]) winner = lag;
        }
        before[i % kLags] = last[symbols[i]];
        last[symbols[i]] = now;
    }
    return out;
}

// Bits, 64 at a time: only lags within 64 of the best score can come to lead inside a block.
Predicted by_words(const std::uint8_t* bits, std::size_t n) {
    std::array<std::int64_t, kLags + 1> score{};
    std::array<std::uint64_t, kLags + 1> right{};
    std::array<std::uint64_t, 3> word{};  // word[0]: this block, bit k its sample k; then the ones before
    std::array<std::size_t, kLags> near{};
    Predicted out;
    std::size_t winner = 1;
    for (std::size_t from = 0; from < n; from += 64) {
        const std::size_t size = std::min<std::size_t>(64, n - from);
        word[2] = word[1];
        word[1] = word[0];
        word[0] = 0;
        for (std::size_t k = 0; k < size; ++k) word[0] |= std::uint64_t{bits[from + k]} << k;
        const std::uint64_t whole = size == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << size) - 1;
        std::size_t n_near = 0;
        for (std::size_t lag = 1; lag <= kLags; ++lag) {
            const std::size_t w = lag / 64, shift = lag % 64;
            const std::uint64_t old = shift == 0 ? word[w] : (word[w] << shift) | (word[w + 1] >> (64 - shift));
            right[lag] = ~(word[0] ^ old) & whole;
            if (from < lag) right[lag] = lag - from >= 64 ? 0 : right[lag] >> (lag - from) << (lag - from);
            if (score[lag] + 64 >= score[winner]) {
                near[n_near++] = lag;
            } else {
                score[lag] += std::popcount(right[lag]);
            }
        }
        for (std::size_t k = 0; k < size; ++k) {
            if (from + k > 0) out.count(right[winner] >> k & 1);
            for (std::size_t c = 0; c < n_near; ++c) {
                const std::size_t lag = near[c];
                if ((right[lag] >> k & 1) != 0 && ++score[lag] >= score[winner]) winner = lag;
            }
        }
    }
    return out;
}

}  // namespace

Predicted predict_lag(const std::uint8_t* symbols, std::size_t n, unsigned n_symbols) {
    return n_symbols == 2 ? by_words(symbols, n) : by_chain(symbols, n, n_symbols);
}

}  // namespace haris
