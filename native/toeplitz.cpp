#include "toeplitz.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

#include <nanobind/ndarray.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "cpu.hpp"

// With the key reversed, b[j] = k[n - 1 - j], the sum becomes a Hankel product y[i] = sum_j s[i + j] b[j]: just the
// middle coefficients of the polynomial product, which the transposed form of Karatsuba's method (Hanrot, Quercia,
// Zimmermann, AAECC 14, 415 (2004)) computes at the price of one half-size full product. Two reversals, of the key
// and inside each carry-less product, cancel up to the order of the words.

namespace haris {
namespace {

using Word = std::uint64_t;
using Hankel = void (*)(const Word* a, const Word* b, Word* c, std::size_t n);

static_assert(std::endian::native == std::endian::little, "bits are read as little-endian words");

constexpr std::size_t kBaseWords = 16;  // below this the quadratic method wins

struct Wide {
    Word low, high;
};

// Carry-less 64 x 64 bits by a table of the sixteen multiples of b, four bits of a at a time.
class Multiples {
  public:
    explicit Multiples(Word b) {
        for (Word nibble = 0; nibble < 16; ++nibble) {
            Wide sum{0, 0};
            for (unsigned bit = 0; bit < 4; ++bit) {
                const Word mask = 0 - ((nibble >> bit) & 1);
                sum.low ^= (b << bit) & mask;
                sum.high ^= (bit ? b >> (64 - bit) : 0) & mask;
            }
            of_[nibble] = sum;
        }
    }
    Wide times(Word a) const {
        Wide product{0, 0};
        for (int shift = 60; shift >= 0; shift -= 4) {
            product.high = (product.high << 4) | (product.low >> 60);
            product.low <<= 4;
            const Wide& row = of_[(a >> shift) & 15];
            product.low ^= row.low;
            product.high ^= row.high;
        }
        return product;
    }

  private:
    Wide of_[16];
};

// c[0..n) from a[0..2n) and b[0..n), in words: with d[t] = sum_j a[t + j] (x) b[j] the answer is the bits
// 63..126 of d[t] + x^64 d[t + 1].
void base_portable(const Word* a, const Word* b, Word* c, std::size_t n) {
    Wide d[kBaseWords + 1] = {};
    for (std::size_t j = 0; j < n; ++j) {
        const Multiples multiples(b[j]);
        for (std::size_t t = 0; t <= n; ++t) {
            const Wide product = multiples.times(a[t + j]);
            d[t].low ^= product.low;
            d[t].high ^= product.high;
        }
    }
    for (std::size_t t = 0; t < n; ++t) c[t] = (d[t].low >> 63) ^ (d[t].high << 1) ^ (d[t + 1].low << 1);
}

#if defined(__x86_64__)
__attribute__((target("pclmul,sse2"))) void base_clmul(const Word* a, const Word* b, Word* c, std::size_t n) {
    Wide previous{0, 0};
    for (std::size_t t = 0; t <= n; ++t) {
        __m128i sum = _mm_setzero_si128();
        for (std::size_t j = 0; j < n; ++j) {
            const __m128i x = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(a + t + j));
            const __m128i y = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(b + j));
            sum = _mm_xor_si128(sum, _mm_clmulepi64_si128(x, y, 0));
        }
        Wide d;
        std::memcpy(&d, &sum, sizeof d);
        if (t > 0) c[t - 1] = (previous.low >> 63) ^ (previous.high << 1) ^ (d.low << 1);
        previous = d;
    }
}
#endif

// c = H(a) b, n words each but 2n for a. scratch: 2n words. Three products of half the size:
// c0 = H(a0 + a1) b0 + H(a1)(b0 + b1), c1 = H(a1 + a2) b1 + H(a1)(b0 + b1).
void hankel(const Word* a, const Word* b, Word* c, std::size_t n, Word* scratch, Hankel base) {
    if (n <= kBaseWords) {
        base(a, b, c, n);
        return;
    }
    const std::size_t h = n / 2;
    Word* sum = scratch;
    Word* rest = scratch + 2 * h;
    for (std::size_t i = 0; i < 2 * h; ++i) sum[i] = a[i] ^ a[i + h];
    hankel(sum, b, c, h, rest, base);
    for (std::size_t i = 0; i < 2 * h; ++i) sum[i] = a[i + h] ^ a[i + 2 * h];
    hankel(sum, b + h, c + h, h, rest, base);
    Word* common = sum + h;
    for (std::size_t i = 0; i < h; ++i) sum[i] = b[i] ^ b[i + h];
    hankel(a + h, sum, common, h, rest, base);
    for (std::size_t i = 0; i < h; ++i) c[i] ^= common[i];
    for (std::size_t i = 0; i < h; ++i) c[i + h] ^= common[i];
}

std::size_t words_of(std::size_t bits) { return (bits + 63) / 64; }

// The key moved to the top of its words, which are then taken from the last to the first.
std::vector<Word> reversed_words(const std::uint8_t* key, std::size_t n, std::size_t padded) {
    const std::size_t count = words_of(n);
    std::vector<Word> plain(count, 0);
    std::memcpy(plain.data(), key, (n + 7) / 8);
    if (n % 64) plain.back() &= (Word{1} << (n % 64)) - 1;
    const unsigned shift = static_cast<unsigned>(64 * count - n);
    std::vector<Word> words(padded, 0);
    for (std::size_t j = 0; j < count; ++j) {
        const std::size_t i = count - 1 - j;
        words[j] = plain[i] << shift;
        if (shift && i > 0) words[j] |= plain[i - 1] >> (64 - shift);
    }
    return words;
}

}  // namespace

void toeplitz(const std::uint8_t* key, std::size_t n, const std::uint8_t* seed, std::uint8_t* out, std::size_t m,
              bool portable) {
    Hankel base = base_portable;
#if defined(__x86_64__)
    if (has_clmul() && !portable) base = base_clmul;
#endif
    std::size_t size = words_of(m), doublings = 1;
    for (; (size + doublings - 1) / doublings > kBaseWords; doublings *= 2) {
    }
    size = (size + doublings - 1) / doublings * doublings;  // words of one square product
    const std::size_t slices = (words_of(n) + size - 1) / size;

    const std::vector<Word> b = reversed_words(key, n, slices * size);
    std::vector<Word> s((slices + 1) * size, 0);
    std::memcpy(s.data(), seed, std::min((n + m - 1 + 7) / 8, s.size() * sizeof(Word)));
    std::vector<Word> y(size, 0), part(size), scratch(2 * size);
    for (std::size_t slice = 0; slice < slices; ++slice) {
        hankel(s.data() + slice * size, b.data() + slice * size, part.data(), size, scratch.data(), base);
        for (std::size_t i = 0; i < size; ++i) y[i] ^= part[i];
    }
    if (m % 64) y[words_of(m) - 1] &= (Word{1} << (m % 64)) - 1;
    std::memcpy(out, y.data(), (m + 7) / 8);
}

namespace nb = nanobind;

using Octets = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Result = nb::ndarray<std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

void bind_toeplitz(nb::module_& module) {
    module.def(
        "toeplitz",
        [](Octets key, std::size_t n, Octets seed, Result out, std::size_t m, bool portable) {
            const bool fits = m >= 1 && m <= n && key.size() == (n + 7) / 8 &&
                              seed.size() == (n + m + 6) / 8 && out.size() == (m + 7) / 8;
            if (!fits) throw nb::value_error("toeplitz: sizes do not fit n and m");
            nb::gil_scoped_release released;
            toeplitz(key.data(), n, seed.data(), out.data(), m, portable);
        },
        nb::arg("key"), nb::arg("n"), nb::arg("seed"), nb::arg("out"), nb::arg("m"), nb::arg("portable"));
}

}  // namespace haris
