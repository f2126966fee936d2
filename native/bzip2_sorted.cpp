// Every number ends with a blank, so that no written number begins another: rotations that start at numbers are ordered as
// the sequences of their ranks, of which a word holds many. A rotation that starts within a number is ordered by what is
// left of that number, and then as the rotation that starts at the next one, whose place is known by then.
#include "bzip2_sorted.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace haris {
namespace {

constexpr unsigned kJoined = 256, kNames = 257, kOffsets = 8;
constexpr unsigned kPasses = 3, kDigitBits = 11, kDigits = 1U << kDigitBits;

std::array<Written, 256> write_all() {
    std::array<Written, 256> all{};
    for (unsigned value = 0; value < 256; ++value) {
        const std::string text = std::to_string(value) + " ";
        all[value].length = static_cast<std::uint8_t>(text.size());
        std::copy(text.begin(), text.end(), all[value].digits);
    }
    return all;
}

const std::array<Written, 256> kWritten = write_all();

// Up to eight characters as a number that is ordered as they are.
std::uint64_t ordered(const std::uint8_t* from, std::size_t length) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < kOffsets; ++i) word = word << 8 | (i < length ? from[i] : 0);
    return word;
}

// One of the first digits of a key, the last of them first: a pass of the radix sort each.
unsigned digit(std::uint64_t key, unsigned pass) {
    return static_cast<unsigned>(key >> (64 - (kPasses - pass) * kDigitBits)) & (kDigits - 1);
}

// Mostly a few.
template <typename Suffix>
void sort_by_key(Suffix* from, Suffix* to) {
    constexpr std::ptrdiff_t kFew = 24;
    if (to - from > kFew) {
        std::sort(from, to, [](const Suffix& a, const Suffix& b) { return a.key < b.key; });
        return;
    }
    for (Suffix* next = from + 1; next < to; ++next) {
        const Suffix moved = *next;
        Suffix* at = next;
        for (; at > from && moved.key < at[-1].key; --at) *at = at[-1];
        *at = moved;
    }
}

}  // namespace

const Written& written(std::uint8_t value) { return kWritten[value]; }

// Ranks of what can be left of a number, of the numbers that come, and where each rest's rotations start.
void SortedRotations::rank_rests(const Block& block) {
    const auto* joined = reinterpret_cast<const std::uint8_t*>(block.joined.data());
    std::array<std::size_t, kNames> comes{};
    for (const std::uint16_t name : names_) ++comes[name];
    struct Rest {
        std::uint64_t text;
        unsigned name, offset;
    };
    std::vector<Rest> rests;
    for (unsigned name = 0; name < kNames; ++name) {
        if (comes[name] == 0) continue;
        const std::uint8_t* text = name == kJoined ? joined : kWritten[name].digits;
        const std::size_t length = name == kJoined ? block.joined.size() : kWritten[name].length;
        for (unsigned offset = 0; offset < length; ++offset) rests.push_back({ordered(text + offset, length - offset), name, offset});
    }
    std::sort(rests.begin(), rests.end(), [](const Rest& a, const Rest& b) { return a.text < b.text; });
    rest_ranks_.assign(kNames * kOffsets, 0);
    number_ranks_.assign(kNames, 0);
    rest_starts_.clear();
    n_names_ = 0;
    std::size_t before = 0;
    std::uint64_t last_number = 0;
    for (std::size_t i = 0; i < rests.size(); ++i) {
        const Rest& rest = rests[i];
        if (i == 0 || rest.text != rests[i - 1].text) rest_starts_.push_back(before);
        rest_ranks_[rest.name * kOffsets + rest.offset] = static_cast<std::uint16_t>(rest_starts_.size() - 1);
        before += comes[rest.name];
        if (rest.offset == 0) {
            if (n_names_ == 0 || rest.text != last_number) ++n_names_;
            number_ranks_[rest.name] = static_cast<std::uint16_t>(n_names_ - 1);
            last_number = rest.text;
        }
    }
    column_.resize(before);
}

// Rotations of a group share `known` ranks; those of 2 known follow from the ranks that they have so far.
void SortedRotations::settle_ties(std::size_t n, std::size_t known) {
    struct Group {
        std::size_t from, to;
    };
    std::vector<Group> groups, next;
    for (std::size_t i = 0; i < n;) {
        std::size_t to = i + 1;
        while (to < n && suffixes_[to].key == suffixes_[i].key) ++to;
        if (to - i > 1) groups.push_back({i, to});
        i = to;
    }
    if (groups.empty()) return;
    ranks_.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
        const bool same = i > 0 && suffixes_[i].key == suffixes_[i - 1].key;
        ranks_[suffixes_[i].number] = same ? ranks_[suffixes_[i - 1].number] : static_cast<std::uint32_t>(i);
    }
    for (; !groups.empty() && known < n; known *= 2) {
        for (const Group& group : groups) {
            for (std::size_t i = group.from; i < group.to; ++i) suffixes_[i].key = ranks_[(suffixes_[i].number + known) % n];
            sort_by_key(suffixes_.data() + group.from, suffixes_.data() + group.to);
        }
        next.clear();
        for (const Group& group : groups) {
            for (std::size_t i = group.from; i < group.to;) {
                std::size_t to = i + 1;
                while (to < group.to && suffixes_[to].key == suffixes_[i].key) ++to;
                for (std::size_t k = i; k < to; ++k) ranks_[suffixes_[k].number] = static_cast<std::uint32_t>(i);
                if (to - i > 1) next.push_back({i, to});
                i = to;
            }
        }
        groups.swap(next);
    }
}

void SortedRotations::sort_numbers(std::size_t n) {
    const unsigned bits = std::max(1, static_cast<int>(std::bit_width(n_names_ - 1U)));
    const std::size_t held = 64 / bits;
    suffixes_.resize(n);
    others_.resize(n);
    std::uint64_t key = 0;
    for (std::size_t i = 0; i < held; ++i) key |= std::uint64_t{number_ranks_[names_[i % n]]} << (64 - bits * (i + 1));
    const std::uint64_t cut = ~std::uint64_t{0} << (64 - bits * held);
    std::array<std::array<std::uint32_t, kDigits>, kPasses> starts{};
    for (std::size_t i = n; i-- > 0;) {
        key = (key >> bits & cut) | std::uint64_t{number_ranks_[names_[i]]} << (64 - bits);
        suffixes_[i] = {key, static_cast<std::uint32_t>(i)};
        for (unsigned pass = 0; pass < kPasses; ++pass) ++starts[pass][digit(key, pass)];
    }
    for (unsigned pass = 0; pass < kPasses; ++pass) {
        std::uint32_t before = 0;
        for (std::uint32_t& start : starts[pass]) before += std::exchange(start, before);
        for (const Suffix& suffix : suffixes_) others_[starts[pass][digit(suffix.key, pass)]++] = suffix;
        suffixes_.swap(others_);
    }
    constexpr unsigned kRest = 64 - kPasses * kDigitBits;
    for (std::size_t from = 0; from < n;) {
        std::size_t to = from + 1;
        while (to < n && suffixes_[to].key >> kRest == suffixes_[from].key >> kRest) ++to;
        sort_by_key(suffixes_.data() + from, suffixes_.data() + to);
        from = to;
    }
    settle_ties(n, held);
}

const std::vector<std::uint8_t>& SortedRotations::last_column(const Block& block) {
    names_.clear();
    if (!block.joined.empty()) names_.push_back(kJoined);
    names_.insert(names_.end(), block.values, block.values + block.n_values);
    const std::size_t n = names_.size();
    rank_rests(block);
    sort_numbers(n);
    const auto* joined = reinterpret_cast<const std::uint8_t*>(block.joined.data());
    for (const Suffix& suffix : suffixes_) {
        const std::uint16_t name = names_[suffix.number == 0 ? n - 1 : suffix.number - 1];
        const std::uint8_t* text = name == kJoined ? joined : kWritten[name].digits;
        const std::size_t length = name == kJoined ? block.joined.size() : kWritten[name].length;
        const std::uint16_t* ranks = &rest_ranks_[name * kOffsets];
        std::uint8_t before = ' ';
        for (std::size_t offset = 0; offset < length; ++offset) {
            column_[rest_starts_[ranks[offset]]++] = before;
            before = text[offset];
        }
    }
    return column_;
}

}  // namespace haris
