// What followed each context: flat hash tables for the predictors with memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace haris {

inline std::uint64_t mixed(std::uint64_t x) {
    x *= 0x9E3779B97F4A7C15u;
    return x ^ (x >> 29);
}

// The last 16 symbols, the newest in the lowest octet of `low`.
struct Context {
    std::uint64_t low = 0, high = 0;

    void push(std::uint8_t symbol) {
        high = high << 8 | low >> 56;
        low = low << 8 | symbol;
    }
    Context last(std::size_t depth) const {
        if (depth < 8) return {low & ((std::uint64_t{1} << 8 * depth) - 1), 0};
        return {low, depth >= 16 ? high : high & ((std::uint64_t{1} << 8 * (depth - 8)) - 1)};
    }
    bool operator==(const Context&) const = default;
};

// Contexts of one depth, the counts of the symbols after them, and of each the commonest: of those that tie the greatest.
class Followers {
public:
    struct Entry {
        Context context;
        std::uint32_t best_count;
        std::uint8_t best;
    };
    static constexpr std::uint32_t kNone = ~std::uint32_t{0};

    Followers() : slots_(1024, kNone), pairs_(1024) {}

    std::uint32_t find(const Context& context) const { return slots_[slot_of(context)]; }
    const Entry& operator[](std::uint32_t i) const { return entries_[i]; }

    std::uint32_t insert(const Context& context) {
        if (2 * (entries_.size() + 1) > slots_.size()) grow_slots();
        std::uint32_t& slot = slots_[slot_of(context)];
        if (slot == kNone) {
            slot = static_cast<std::uint32_t>(entries_.size());
            entries_.push_back({context, 0, 0});
        }
        return slot;
    }

    // Counts a symbol after context i; a new pair only where may_add. Returns whether the pair is new.
    bool count(std::uint32_t i, std::uint8_t symbol, bool may_add) {
        const std::uint64_t key = (std::uint64_t{i} << 8 | symbol) + 1;
        Pair* pair = &pairs_[pair_of(key)];
        const bool fresh = pair->key == 0;
        if (fresh) {
            if (!may_add) return false;
            if (2 * (n_pairs_ + 1) > pairs_.size()) {
                grow_pairs();
                pair = &pairs_[pair_of(key)];
            }
            pair->key = key;
            ++n_pairs_;
        }
        const std::uint32_t now = ++pair->count;
        Entry& entry = entries_[i];
        if (now > entry.best_count || (now == entry.best_count && symbol > entry.best)) {
            entry.best = symbol;
            entry.best_count = now;
        }
        return fresh;
    }

private:
    struct Pair {
        std::uint64_t key = 0;
        std::uint32_t count = 0;
    };

    std::size_t slot_of(const Context& context) const {
        const std::size_t mask = slots_.size() - 1;
        std::size_t at = mixed(context.low ^ mixed(context.high)) >> 20 & mask;
        while (slots_[at] != kNone && !(entries_[slots_[at]].context == context)) at = (at + 1) & mask;
        return at;
    }
    std::size_t pair_of(std::uint64_t key) const {
        const std::size_t mask = pairs_.size() - 1;
        std::size_t at = mixed(key) >> 20 & mask;
        while (pairs_[at].key != 0 && pairs_[at].key != key) at = (at + 1) & mask;
        return at;
    }
    void grow_slots() {
        slots_.assign(2 * slots_.size(), kNone);
        for (std::size_t i = 0; i < entries_.size(); ++i) slots_[slot_of(entries_[i].context)] = static_cast<std::uint32_t>(i);
    }
    void grow_pairs() {
        std::vector<Pair> old(2 * pairs_.size());
        old.swap(pairs_);
        for (const Pair& pair : old) {
            if (pair.key != 0) pairs_[pair_of(pair.key)] = pair;
        }
    }

    std::vector<Entry> entries_;
    std::vector<std::uint32_t> slots_;
    std::vector<Pair> pairs_;
    std::size_t n_pairs_ = 0;
};

// Counts of the two bits after each context of 1 to 16 bits, in one table: contexts of d bits begin at 2^d.
class BitFollowers {
public:
    BitFollowers() : counts_(2 << 17, 0) {}
    std::uint32_t* of(std::uint32_t history, unsigned depth) {
        return &counts_[2 * ((std::uint32_t{1} << depth) | (history & ((std::uint32_t{1} << depth) - 1)))];
    }

private:
    std::vector<std::uint32_t> counts_;
};

}  // namespace haris
