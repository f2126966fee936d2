// Suffixes are sorted by their first 64 bits; those that tie, by prefix doubling (Manber and Myers 1993, with the groups of
// Larsson and Sadakane 2007). The intervals of the common prefixes (Abouelhoda et al. 2004) then tell every count at once.
#include "repeats.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace haris {
namespace {

struct Suffix {
    std::uint64_t key;
    std::uint32_t at;
};

// Suffixes by key, stably sorted on its first 16 bits by counting, inside those by comparison.
std::vector<Suffix> by_key(const std::uint8_t* symbols, std::size_t n, unsigned width) {
    const unsigned held = 64 / width, low = 64 - held * width;
    const auto each_backwards = [&](auto take) {
        std::uint64_t key = 0;
        for (std::size_t i = n; i-- > 0;) {
            key = ((key >> width) | (std::uint64_t{symbols[i]} << (64 - width))) >> low << low;
            take(key, i);
        }
    };
    std::vector<std::size_t> start(65537, 0);
    each_backwards([&](std::uint64_t key, std::size_t) { ++start[(key >> 48) + 1]; });
    for (std::size_t b = 0; b < 65536; ++b) start[b + 1] += start[b];
    std::vector<Suffix> out(n);
    std::vector<std::size_t> next(start.begin(), start.end() - 1);
    each_backwards([&](std::uint64_t key, std::size_t i) { out[next[key >> 48]++] = {key, static_cast<std::uint32_t>(i)}; });
    for (std::size_t b = 0; b < 65536; ++b) {
        std::sort(out.begin() + start[b], out.begin() + start[b + 1],
                  [](const Suffix& x, const Suffix& y) { return x.key < y.key; });
    }
    return out;
}

// Puts suffixes whose first `held` symbols tie into order. A suffix that ends before stands first, the shorter the earlier.
void double_ties(std::vector<Suffix>& order, std::size_t held) {
    const std::size_t n = order.size();
    std::vector<std::int64_t> rank(n);
    std::vector<std::pair<std::size_t, std::size_t>> groups, finer;
    for (std::size_t lo = 0, hi; lo < n; lo = hi) {
        for (hi = lo; hi < n && order[hi].key == order[lo].key; ++hi) rank[order[hi].at] = static_cast<std::int64_t>(lo);
        if (hi - lo > 1) groups.emplace_back(lo, hi);
    }
    std::vector<std::pair<std::int64_t, std::uint32_t>> part;
    for (std::size_t step = held; !groups.empty(); step *= 2) {
        finer.clear();
        for (const auto& [lo, hi] : groups) {
            part.clear();
            for (std::size_t i = lo; i < hi; ++i) {
                const std::size_t far = order[i].at + step;
                part.emplace_back(far < n ? rank[far] : static_cast<std::int64_t>(n) - static_cast<std::int64_t>(far) - 1,
                                  order[i].at);
            }
            std::sort(part.begin(), part.end());
            for (std::size_t a = 0, b; a < part.size(); a = b) {
                for (b = a; b < part.size() && part[b].first == part[a].first; ++b) {
                    order[lo + b].at = part[b].second;
                    rank[part[b].second] = static_cast<std::int64_t>(lo + a);
                }
                if (b - a > 1) finer.emplace_back(lo + a, lo + b);
            }
        }
        std::swap(groups, finer);
    }
}

// common[i]: symbols that the suffixes i - 1 and i share, by Kasai et al. 2001.
std::vector<std::uint32_t> common_of_order(const std::uint8_t* symbols, const std::vector<Suffix>& order) {
    const std::size_t n = order.size();
    std::vector<std::uint32_t> rank(n), common(n + 1, 0);
    for (std::size_t i = 0; i < n; ++i) rank[order[i].at] = static_cast<std::uint32_t>(i);
    std::size_t shared = 0;
    for (std::size_t at = 0; at < n; ++at) {
        if (rank[at] == 0) {
            shared = 0;
            continue;
        }
        const std::size_t before = order[rank[at] - 1].at;
        while (std::max(at, before) + shared < n && symbols[at + shared] == symbols[before + shared]) ++shared;
        common[rank[at]] = static_cast<std::uint32_t>(shared);
        if (shared > 0) --shared;
    }
    return common;
}

std::vector<std::uint32_t> common_prefixes(const std::uint8_t* symbols, std::size_t n, unsigned width) {
    std::vector<Suffix> order = by_key(symbols, n, width);
    const auto same = [](const Suffix& x, const Suffix& y) { return x.key == y.key; };
    if (std::adjacent_find(order.begin(), order.end(), same) != order.end()) {
        double_ties(order, 64 / width);
        return common_of_order(symbols, order);
    }
    std::vector<std::uint32_t> common(n + 1, 0);
    for (std::size_t i = 1; i < n; ++i) {
        const auto shared = static_cast<std::size_t>(std::countl_zero(order[i - 1].key ^ order[i].key)) / width;
        common[i] = static_cast<std::uint32_t>(std::min(shared, n - std::max(order[i - 1].at, order[i].at)));
    }
    return common;
}

}  // namespace

Repeats tuple_repeats(const std::uint8_t* symbols, std::size_t n, unsigned width) {
    const std::vector<std::uint32_t> common = common_prefixes(symbols, n, width);
    const std::size_t longest = *std::max_element(common.begin(), common.end());
    std::vector<std::int64_t> most(longest + 1, 0);
    std::vector<std::uint64_t> pairs(longest + 1, 0);
    struct Open {
        std::uint32_t shared;
        std::size_t from;
    };
    std::vector<Open> open{{0, 0}};
    // An interval of `count` suffixes that share s symbols, inside one that shares r: its tuples of r + 1 to s occur `count` times.
    for (std::size_t i = 1; i <= n; ++i) {
        std::size_t from = i - 1;
        while (open.back().shared > common[i]) {
            const Open closed = open.back();
            open.pop_back();
            from = closed.from;
            const std::uint64_t count = i - from, twos = count * (count - 1) / 2;
            most[closed.shared] = std::max(most[closed.shared], static_cast<std::int64_t>(count));
            pairs[closed.shared] += twos;
            pairs[std::max(open.back().shared, common[i])] -= twos;  // modulo 2^64: the sums below are right
        }
        if (open.back().shared < common[i]) open.push_back({common[i], from});
    }
    for (std::size_t t = longest; t-- > 1;) {
        most[t] = std::max(most[t], most[t + 1]);
        pairs[t] += pairs[t + 1];
    }
    most.erase(most.begin());
    pairs.erase(pairs.begin());
    return {std::move(most), std::move(pairs)};
}

}  // namespace haris
