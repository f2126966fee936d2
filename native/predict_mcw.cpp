// MultiMCW: the commonest symbol of the last 63, 255, 1023 and 4095, of those that tie the last seen.
#include "predictors.hpp"

#include <array>
#include <vector>

namespace haris {
namespace {

class Window {
public:
    Window(std::size_t size, unsigned n_symbols) : size_(size), count_(n_symbols, 0), seen_(n_symbols, 0) {}

    bool right(std::size_t i, std::uint8_t symbol) const { return i >= size_ && best_ == symbol; }

    void take(const std::uint8_t* symbols, std::size_t i) {
        const std::uint8_t symbol = symbols[i];
        ++count_[symbol];
        seen_[symbol] = i;
        const bool leaves = i >= size_;
        if (leaves) --count_[symbols[i - size_]];
        if (leaves && symbols[i - size_] == best_) {
            for (std::size_t s = 0; s < count_.size(); ++s) {
                if (count_[s] > count_[best_] || (count_[s] == count_[best_] && seen_[s] > seen_[best_])) {
                    best_ = static_cast<std::uint8_t>(s);
                }
            }
        } else if (count_[symbol] >= count_[best_]) {
            best_ = symbol;
        }
    }

private:
    std::size_t size_;
    std::vector<std::uint32_t> count_;
    std::vector<std::size_t> seen_;
    std::uint8_t best_ = 0;
};

// Of bits and odd windows: what more than half of them are.
class BitWindow {
public:
    BitWindow(std::size_t size, unsigned) : size_(size) {}
    bool right(std::size_t i, std::uint8_t bit) const { return i >= size_ && (ones_ > size_ / 2) == (bit != 0); }
    void take(const std::uint8_t* bits, std::size_t i) {
        ones_ += bits[i];
        if (i >= size_) ones_ -= bits[i - size_];
    }

private:
    std::size_t size_;
    std::size_t ones_ = 0;
};

template <typename W>
Predicted predict(const std::uint8_t* symbols, std::size_t n, unsigned n_symbols) {
    std::array<W, 4> windows{W(63, n_symbols), W(255, n_symbols), W(1023, n_symbols), W(4095, n_symbols)};
    std::array<std::int64_t, 4> score{};
    Predicted out;
    std::size_t winner = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const std::uint8_t symbol = symbols[i];
        if (i >= 63) out.count(windows[winner].right(i, symbol));
        for (std::size_t w = 0; w < 4; ++w) {
            if (windows[w].right(i, symbol) && ++score[w] >= score[winner]) winner = w;
            windows[w].take(symbols, i);
        }
    }
    return out;
}

}  // namespace

Predicted predict_mcw(const std::uint8_t* symbols, std::size_t n, unsigned n_symbols) {
    return n_symbols == 2 ? predict<BitWindow>(symbols, n, n_symbols) : predict<Window>(symbols, n, n_symbols);
}

}  // namespace haris
