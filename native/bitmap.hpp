// Bits in words of 64, the least significant first, and in streams of octets.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace haris {

static_assert(std::endian::native == std::endian::little, "octets of a word stand in the order of its bits");

using Word = std::uint64_t;
using Size = std::size_t;

inline bool test(const Word* words, Size at) { return words[at >> 6] >> (at & 63) & 1; }
inline void flip(Word* words, Size at) { words[at >> 6] ^= Word{1} << (at & 63); }
inline void set(Word* words, Size at) { words[at >> 6] |= Word{1} << (at & 63); }

// The first one at or after a position, or end if there is none before end (a whole number of words).
inline Size next_one(const Word* words, Size from, Size end) {
    if (from >= end) return end;
    Size word = from >> 6;
    Word rest = words[word] & ~Word{0} << (from & 63);
    while (rest == 0) {
        if (++word == end >> 6) return end;
        rest = words[word];
    }
    return word << 6 | static_cast<Size>(std::countr_zero(rest));
}

// The last one at or before a position; there is one at position 0.
inline Size last_one(const Word* words, Size from) {
    Size word = from >> 6;
    Word rest = words[word] & ~Word{0} >> (63 - (from & 63));
    while (rest == 0) rest = words[--word];
    return word << 6 | static_cast<Size>(63 - std::countl_zero(rest));
}

// Parity of the bits at [from, to), from < to.
inline Word parity(const Word* words, Size from, Size to) {
    const Size first = from >> 6, last = (to - 1) >> 6;
    const Word head = ~Word{0} << (from & 63), tail = ~Word{0} >> (63 - ((to - 1) & 63));
    if (first == last) return static_cast<Word>(std::popcount(words[first] & head & tail)) & 1;
    Word sum = (words[first] & head) ^ (words[last] & tail);
    for (Size word = first + 1; word < last; ++word) sum ^= words[word];
    return static_cast<Word>(std::popcount(sum)) & 1;
}

// The same without a branch, of at most 57 bits of a bitmap of n_octets >= 8: they lie in eight octets.
constexpr Size kShortRun = 57;
inline Word short_parity(const Word* words, Size n_octets, Size from, Size length) {
    const Size octet = from >> 3 < n_octets - 8 ? from >> 3 : n_octets - 8;
    Word eight;
    std::memcpy(&eight, reinterpret_cast<const std::uint8_t*>(words) + octet, sizeof eight);
    const Word run = eight >> (from - 8 * octet) & ((Word{1} << length) - 1);
    return static_cast<Word>(std::popcount(run)) & 1;
}

// Bits one after another into octets, the least significant first; finish pads the last one with zeros.
class BitWriter {
public:
    explicit BitWriter(std::uint8_t* out) : out_(out) {}
    void put(Word bit) {
        word_ |= bit << filled_;
        if (++filled_ == 64) {
            std::memcpy(out_, &word_, sizeof word_);
            out_ += sizeof word_;
            word_ = 0, filled_ = 0;
        }
    }
    void finish() {
        if (filled_ > 0) std::memcpy(out_, &word_, (filled_ + 7) / 8);  // without a bit there may be no octets at all
    }

private:
    std::uint8_t* out_;
    Word word_ = 0;
    unsigned filled_ = 0;
};

// Bits one after another out of octets, the least significant first.
class BitReader {
public:
    explicit BitReader(const std::uint8_t* in) : in_(in) {}
    Word get() {
        const Word bit = in_[at_ >> 3] >> (at_ & 7) & 1;
        ++at_;
        return bit;
    }

private:
    const std::uint8_t* in_;
    Size at_ = 0;
};

}  // namespace haris
