// After the sort bzip2 moves characters to the front of a list, tells runs of the first in base 2, and codes what comes of it by
// up to six Huffman tables, a table for each fifty symbols, chosen in four rounds. Only lengths are computed here, but every
// choice is libbz2's, ties too.
#include "bzip2_codes.hpp"

#include <algorithm>
#include <array>

namespace haris {
namespace {

constexpr unsigned kMostSymbols = 16, kMostTables = 6, kGroup = 50, kRounds = 4, kMostLength = 17;
constexpr std::uint8_t kCheap = 0, kDear = 15;
using Lengths = std::array<std::uint8_t, kMostSymbols>;
using Counts = std::array<std::uint32_t, kMostSymbols>;
using GroupCounts = std::uint8_t __attribute__((vector_size(kMostSymbols)));  // of the symbols of one group

struct Symbols {
    std::size_t n = 0;
    std::vector<GroupCounts> groups;
    Counts counts{};
    unsigned n_symbols = 0;
    std::size_t map_bits = 16;
};

// Symbols as they come, counted by groups.
class Counter {
  public:
    explicit Counter(Symbols& symbols) : symbols_(symbols) {}
    void put(unsigned symbol) {
        group_ += one_[symbol];
        if (++symbols_.n % kGroup == 0) end_group();
    }
    // A run of zeros in bijective base 2 with digits 0 and 1.
    void put_run(std::size_t length) {
        for (; length > 0; length = (length - 1) / 2) put((length - 1) & 1);
    }
    void end_group() {
        symbols_.groups.push_back(group_);
        for (unsigned s = 0; s < kMostSymbols; ++s) symbols_.counts[s] += group_[s];
        group_ = GroupCounts{};
    }

  private:
    const std::array<GroupCounts, kMostSymbols> one_ = [] {
        std::array<GroupCounts, kMostSymbols> one{};
        for (unsigned s = 0; s < kMostSymbols; ++s) one[s][s] = 1;
        return one;
    }();
    Symbols& symbols_;
    GroupCounts group_{};
};

// Positions in a list of characters, each moved to its front; the list is a word of four bits each.
Symbols moved_to_front(const std::vector<std::uint8_t>& column) {
    std::array<bool, 256> comes{};
    for (const std::uint8_t character : column) comes[character] = true;
    std::array<std::uint8_t, 256> index{};
    Symbols out;
    unsigned n_used = 0;
    for (unsigned high = 0; high < 256; high += 16) {
        bool any = false;
        for (unsigned character = high; character < high + 16; ++character) {
            if (!comes[character]) continue;
            index[character] = static_cast<std::uint8_t>(n_used++);
            any = true;
        }
        if (any) out.map_bits += 16;
    }
    constexpr std::uint64_t kOnes = 0x1111111111111111;
    std::uint64_t list = ~std::uint64_t{0};
    for (unsigned i = n_used; i-- > 0;) list = list << 4 | i;
    out.groups.reserve(column.size() / kGroup + 2);
    Counter counter(out);
    std::size_t run = 0;
    for (const std::uint8_t character : column) {
        const std::uint64_t symbol = index[character];
        if ((list & 15) == symbol) {
            ++run;
            continue;
        }
        counter.put_run(run);
        run = 0;
        const std::uint64_t differ = list ^ symbol * kOnes;
        const unsigned at = static_cast<unsigned>(__builtin_ctzll((differ - kOnes) & ~differ & kOnes << 3)) & ~3U;
        const std::uint64_t front = (std::uint64_t{16} << at) - 1;
        list = (list & ~front) | (list << 4 & front) | symbol;
        counter.put(at / 4 + 1);
    }
    counter.put_run(run);
    counter.put(n_used + 1);
    if (out.n % kGroup != 0) counter.end_group();
    out.n_symbols = n_used + 2;
    return out;
}

// A heap of nodes by weight, its ties broken as libbz2's are.
class Heap {
  public:
    explicit Heap(const std::uint32_t* weights) : weights_(weights) {}
    std::size_t size() const { return size_; }
    void push(unsigned node) {
        std::size_t at = ++size_;
        for (; at > 1 && weights_[node] < weights_[nodes_[at / 2]]; at /= 2) nodes_[at] = nodes_[at / 2];
        nodes_[at] = node;
    }
    unsigned pop() {
        const unsigned top = nodes_[1], node = nodes_[size_--];
        std::size_t at = 1;
        for (std::size_t below = 2; below <= size_; below = 2 * at) {
            if (below < size_ && weights_[nodes_[below + 1]] < weights_[nodes_[below]]) ++below;
            if (weights_[node] < weights_[nodes_[below]]) break;
            nodes_[at] = nodes_[below];
            at = below;
        }
        nodes_[at] = node;
        return top;
    }

  private:
    const std::uint32_t* weights_;
    std::array<unsigned, kMostSymbols + 1> nodes_{};
    std::size_t size_ = 0;
};

// Huffman lengths of at most 17 bits. A weight holds a count above eight bits of depth; where a code is too long, counts are
// halved and all begins anew.
Lengths huffman_lengths(const Counts& counts, unsigned n) {
    std::array<std::uint32_t, 2 * kMostSymbols> weights{};
    for (unsigned i = 0; i < n; ++i) weights[i] = std::max(counts[i], 1U) << 8;
    while (true) {
        std::array<unsigned, 2 * kMostSymbols> parents{};
        Heap heap(weights.data());
        for (unsigned i = 0; i < n; ++i) heap.push(i);
        unsigned node = n;
        for (; heap.size() > 1; ++node) {
            const unsigned a = heap.pop(), b = heap.pop();
            parents[a] = parents[b] = node;
            weights[node] = ((weights[a] & ~255U) + (weights[b] & ~255U)) | (1 + std::max(weights[a] & 255U, weights[b] & 255U));
            heap.push(node);
        }
        Lengths lengths{};
        unsigned longest = 0;
        for (unsigned i = 0; i < n; ++i) {
            for (unsigned at = i; at != node - 1; at = parents[at]) ++lengths[i];
            longest = std::max<unsigned>(longest, lengths[i]);
        }
        if (longest <= kMostLength) return lengths;
        for (unsigned i = 0; i < n; ++i) weights[i] = (1 + (weights[i] >> 8) / 2) << 8;
    }
}

// The tables before the first round: each is cheap for a stretch of symbols that holds its share of all.
std::array<Lengths, kMostTables> first_tables(const Symbols& symbols, unsigned n_tables) {
    std::array<Lengths, kMostTables> tables{};
    std::size_t left = symbols.n;
    unsigned from = 0;
    for (unsigned parts = n_tables; parts > 0; --parts) {
        const std::size_t share = left / parts;
        std::size_t sum = 0;
        unsigned to = from;  // past the last
        while (sum < share && to < symbols.n_symbols) sum += symbols.counts[to++];
        if (to > from + 1 && parts != n_tables && parts != 1 && (n_tables - parts) % 2 == 1) sum -= symbols.counts[--to];
        for (unsigned s = 0; s < symbols.n_symbols; ++s) tables[parts - 1][s] = s >= from && s < to ? kCheap : kDear;
        from = to;
        left -= sum;
    }
    return tables;
}

unsigned tables_for(std::size_t n) {
    constexpr std::array<std::size_t, 4> kBelow{200, 600, 1200, 2400};
    return 2 + static_cast<unsigned>(std::upper_bound(kBelow.begin(), kBelow.end(), n) - kBelow.begin());
}

// A length is told as steps from the one before: two bits a step, one to end.
std::size_t table_bits(const Lengths& lengths, unsigned n) {
    std::size_t bits = 5 + n;
    for (unsigned i = 1; i < n; ++i) bits += 2U * static_cast<unsigned>(std::abs(lengths[i] - lengths[i - 1]));
    return bits;
}

// Choices of tables, moved to the front of a list and told in base 1.
std::size_t choice_bits(const std::vector<std::uint8_t>& chosen) {
    std::array<std::uint8_t, kMostTables> list{0, 1, 2, 3, 4, 5};
    std::size_t bits = 0;
    for (const std::uint8_t table : chosen) {
        const auto at = std::find(list.begin(), list.end(), table);
        bits += static_cast<std::size_t>(at - list.begin()) + 1;
        std::rotate(list.begin(), at, at + 1);
    }
    return bits;
}

}  // namespace

std::size_t bzip2_block_bits(const std::vector<std::uint8_t>& column) {
    const Symbols symbols = moved_to_front(column);
    const unsigned n_tables = tables_for(symbols.n);
    std::array<Lengths, kMostTables> tables = first_tables(symbols, n_tables);
    std::vector<std::uint8_t> chosen(symbols.groups.size());
    std::array<Counts, kMostTables> counts;
    for (unsigned round = 0; round < kRounds; ++round) {
        counts = {};
        for (std::size_t g = 0; g < chosen.size(); ++g) {
            const GroupCounts group = symbols.groups[g];
            unsigned best = 0, least = ~0U;
            for (unsigned t = 0; t < n_tables; ++t) {
                unsigned cost = 0;
                for (unsigned s = 0; s < kMostSymbols; ++s) cost += unsigned{group[s]} * tables[t][s];
                if (cost < least) best = t, least = cost;
            }
            chosen[g] = static_cast<std::uint8_t>(best);
            for (unsigned s = 0; s < kMostSymbols; ++s) counts[best][s] += group[s];
        }
        for (unsigned t = 0; t < n_tables; ++t) tables[t] = huffman_lengths(counts[t], symbols.n_symbols);
    }
    std::size_t bits = 48 + 32 + 1 + 24 + symbols.map_bits + 3 + 15 + choice_bits(chosen);
    for (unsigned t = 0; t < n_tables; ++t) {
        bits += table_bits(tables[t], symbols.n_symbols);
        for (unsigned s = 0; s < symbols.n_symbols; ++s) bits += std::size_t{counts[t][s]} * tables[t][s];
    }
    return bits;
}

}  // namespace haris
