// Rows of bits in packed octets, the least significant bit first: read, compressed and written 64 at a time.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace haris {

// Into each function that calls it, and so compiled for the instruction set of that one.
#define HARIS_INLINE __attribute__((always_inline)) inline

using Row = std::uint64_t;

// Ones for the first m bits, 1 <= m <= 64.
HARIS_INLINE Row first_bits(std::size_t m) { return ~Row{0} >> (64 - m); }

// Up to 64 bits from octet `at` on, of a row of n bits; those behind the last are 0.
HARIS_INLINE Row bits_at(const std::uint8_t* octets, std::size_t at, std::size_t n) {
    const std::size_t left = n - 8 * at;
    Row row = 0;
    if (left >= 64 && std::endian::native == std::endian::little) {
        std::memcpy(&row, octets + at, 8);
        return row;
    }
    const std::size_t m = left < 64 ? left : 64;
    for (std::size_t k = 0; 8 * k < m; ++k) row |= Row{octets[at + k]} << 8 * k;
    return row & first_bits(m);
}

// One bit of each of up to 64 octets.
HARIS_INLINE Row row_of(const std::uint8_t* octets, std::size_t n, unsigned bit) {
    Row row = 0;
    std::size_t i = 0;
    for (; std::endian::native == std::endian::little && i + 8 <= n; i += 8) {
        Row eight;
        std::memcpy(&eight, octets + i, 8);
        row |= (eight >> bit & 0x0101010101010101) * 0x0102040810204080 >> 56 << i;
    }
    for (; i < n; ++i) row |= Row{octets[i] >> bit & 1u} << i;
    return row;
}

// Moves the bits under a mask together, from the lowest on (Warren, Hacker's Delight, 2nd ed., 7-4). What depends on
// the mask alone is done once for all rows. No branch: whether a click is kept is a coin.
class Compress {
public:
    HARIS_INLINE explicit Compress(Row mask) : mask_(mask), count_(static_cast<unsigned>(std::popcount(mask))) {
        Row zeros = ~mask << 1;
        for (unsigned i = 0; i < 6; ++i) {
            Row odd = zeros ^ zeros << 1;
            for (unsigned s = 2; s < 64; s <<= 1) odd ^= odd << s;
            moves_[i] = odd & mask;
            mask = (mask ^ moves_[i]) | moves_[i] >> (1u << i);
            zeros &= ~odd;
        }
    }

    HARIS_INLINE unsigned count() const { return count_; }

    HARIS_INLINE Row operator()(Row bits) const {
        bits &= mask_;
        for (unsigned i = 0; i < 6; ++i) {
            const Row moved = bits & moves_[i];
            bits = (bits ^ moved) | moved >> (1u << i);
        }
        return bits;
    }

private:
    Row mask_;
    Row moves_[6];
    unsigned count_;
};

#if defined(__x86_64__)
// The same in one instruction, for processors of has_fast_pext.
class PextCompress {
public:
    HARIS_INLINE explicit PextCompress(Row mask) : mask_(mask), count_(static_cast<unsigned>(std::popcount(mask))) {}
    HARIS_INLINE unsigned count() const { return count_; }
    HARIS_INLINE Row operator()(Row bits) const {
        Row moved;
        asm("pextq %2, %1, %0" : "=r"(moved) : "r"(bits), "r"(mask_));
        return moved;
    }

private:
    Row mask_;
    unsigned count_;
};
#else
using PextCompress = Compress;
#endif

// Appends bits to octets, which have room for whole words: 8 octets more than the bits take.
class RowWriter {
public:
    explicit RowWriter(std::uint8_t* out) : out_(out) {}

    // The low n bits of row, n <= 64; those above are 0.
    HARIS_INLINE void append(Row row, unsigned n) {
        word_ |= row << fill_;
        if (fill_ + n >= 64) {
            store();
            word_ = fill_ ? row >> (64 - fill_) : 0;
            fill_ = fill_ + n - 64;
            if (fill_ == 0) word_ = 0;
        } else {
            fill_ += n;
        }
    }

    // Writes what is left, and zeros behind it.
    HARIS_INLINE void finish() { store(); }

private:
    HARIS_INLINE void store() {
        for (unsigned k = 0; k < 8; ++k) out_[k] = static_cast<std::uint8_t>(word_ >> 8 * k);
        out_ += 8;
    }

    std::uint8_t* out_;
    Row word_ = 0;
    unsigned fill_ = 0;
};

// Reads bits from octets, one run after another.
class RowReader {
public:
    RowReader(const std::uint8_t* octets, std::size_t n_bits, std::size_t at) : octets_(octets), n_(n_bits), at_(at) {}

    // The next m <= 64 bits.
    HARIS_INLINE Row take(unsigned m) {
        if (m == 0) return 0;
        const std::size_t octet = at_ / 8;
        const unsigned shift = at_ % 8;
        Row row = bits_at(octets_, octet, n_) >> shift;
        if (shift + m > 64) row |= Row{octets_[octet + 8]} << (64 - shift);
        at_ += m;
        return row & first_bits(m);
    }

private:
    const std::uint8_t* octets_;
    std::size_t n_, at_;
};

}  // namespace haris
