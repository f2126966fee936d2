// The text is cut where libbz2 cuts it: a block ends with the first run of one digit that reaches its size.
#include "bzip2_length.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "bzip2_codes.hpp"
#include "bzip2_sorted.hpp"

namespace haris {
namespace {

constexpr std::size_t kBlock = 5 * 100000 - 19;

// A place in the written samples.
struct Place {
    std::size_t number = 0, offset = 0;
    bool operator==(const Place&) const = default;
};

class Text {
  public:
    Text(const std::uint8_t* values, std::size_t n) : values_(values), end_{n - 1, written(values[n - 1]).length - 1U} {}

    // The blank of the last number is not written.
    Place end() const { return end_; }

    // Where the block that begins here ends: past a run of digits that reaches its size, or at the end of all. Of a
    // block that is full, the character that ended the run is read already; if it is the last, the block takes it.
    Place end_of_block(Place at) const {
        std::size_t length = 0;
        for (; at.number < end_.number && length + 4 < kBlock; at = {at.number + 1, 0}) {
            length += written(values_[at.number]).length - at.offset;
        }
        std::uint8_t last = 0;
        for (; at != end_; at = next(at), ++length) {
            if (length >= kBlock && character(at) != last) return next(at) == end_ ? end_ : at;
            last = character(at);
        }
        return end_;
    }

    std::size_t block_bits(Place from, Place to, SortedRotations& rotations) const {
        if (from.number == to.number) return bzip2_block_bits(rotated(digits(from, to.offset)));
        std::string joined = digits({to.number, 0}, to.offset);
        if (from.offset > 0 || !joined.empty()) {
            joined += digits(from, written(values_[from.number]).length);
            ++from.number;
        }
        return bzip2_block_bits(rotations.last_column({values_ + from.number, to.number - from.number, joined}));
    }

  private:
    std::uint8_t character(Place at) const { return written(values_[at.number]).digits[at.offset]; }
    Place next(Place at) const {
        return at.offset + 1 < written(values_[at.number]).length ? Place{at.number, at.offset + 1} : Place{at.number + 1, 0};
    }
    std::string digits(Place from, std::size_t to) const {
        const std::uint8_t* text = written(values_[from.number]).digits;
        return {text + from.offset, text + to};
    }
    // The last column of a few characters, none of them a blank.
    static std::vector<std::uint8_t> rotated(const std::string& text) {
        std::vector<std::string> rotations;
        for (std::size_t i = 0; i < text.size(); ++i) rotations.push_back(text.substr(i) + text.substr(0, i));
        std::sort(rotations.begin(), rotations.end());
        std::vector<std::uint8_t> column;
        for (const std::string& rotation : rotations) column.push_back(static_cast<std::uint8_t>(rotation.back()));
        return column;
    }

    const std::uint8_t* values_;
    Place end_;
};

}  // namespace

std::size_t bzip2_length(const std::uint8_t* values, std::size_t n) {
    const Text text(values, n);
    SortedRotations rotations;
    std::size_t bits = 32 + 48 + 32;  // what the stream begins and ends with
    for (Place at; at != text.end();) {
        const Place to = text.end_of_block(at);
        bits += text.block_bits(at, to, rotations);
        at = to;
    }
    return (bits + 7) / 8;
}

}  // namespace haris
