// Products of polynomials over GF(2^16), bit-sliced: sixteen polynomials over GF(2), one for each bit of the tower.
//
// Isa gives Wide, one or more lanes of two 64-bit words: add, clmul (of the low words of one and the high words of the
// other), up and down (by a word inside each lane). Operands lie in lanes as [word of a | word of b]; products as two
// words, low first.
#pragma once

namespace haris {

// c += middle, N lanes of two words each, where middle begins N words later.
template <class Isa, int N>
HARIS_INLINE void add_at(typename Isa::Wide* c, const typename Isa::Wide* middle) {
    for (int i = 0; i < N; ++i) {
        if constexpr (N % 2 == 0) {
            c[N / 2 + i] = Isa::add(c[N / 2 + i], middle[i]);
        } else {
            c[N / 2 + i] = Isa::add(c[N / 2 + i], Isa::up(middle[i]));
            c[N / 2 + i + 1] = Isa::add(c[N / 2 + i + 1], Isa::down(middle[i]));
        }
    }
}

// W words by W words; p: W lanes [a | b]; c: W lanes, 2 W words of product. Few words pair by pair, as (a_i + a_j) times
// (b_i + b_j) is a_i b_j + a_j b_i and the products of equal indices, which the sum over i + j = k wants all; more words
// by Karatsuba's method.
template <class Isa, int W>
HARIS_INLINE void multiply_words(const typename Isa::Wide* p, typename Isa::Wide* c) {
    using Wide = typename Isa::Wide;
    if constexpr (W <= 6) {
        Wide equal[W];
#pragma GCC unroll 8
        for (int i = 0; i < W; ++i) equal[i] = Isa::clmul(p[i], p[i]);
        Wide equals = equal[0];
#pragma GCC unroll 16
        for (int word = 0; word < 2 * W - 1; ++word) {
            const int first = word < W ? 0 : word - W + 1;
            if (word > 0 && word < W) equals = Isa::add(equals, equal[word]);
            if (word >= W) equals = Isa::add(equals, equal[word - W]);
            Wide sum = equals;
#pragma GCC unroll 16
            for (int i = first; 2 * i < word; ++i) {
                const Wide both = Isa::add(p[i], p[word - i]);
                sum = Isa::add(sum, Isa::clmul(both, both));
            }
            Wide& low = c[word / 2];
            if (word % 2 == 0) {
                low = word ? Isa::add(low, sum) : sum;
            } else {
                low = Isa::add(low, Isa::up(sum));
                c[word / 2 + 1] = Isa::down(sum);
            }
        }
    } else {
        static_assert(W % 2 == 0);
        constexpr int kHalf = W / 2;
        Wide sum[kHalf], middle[kHalf];
        for (int i = 0; i < kHalf; ++i) sum[i] = Isa::add(p[i], p[kHalf + i]);
        multiply_words<Isa, kHalf>(p, c);
        multiply_words<Isa, kHalf>(p + kHalf, c + kHalf);
        multiply_words<Isa, kHalf>(sum, middle);
        for (int i = 0; i < kHalf; ++i) middle[i] = Isa::add(middle[i], Isa::add(c[i], c[kHalf + i]));
        add_at<Isa, kHalf>(c, middle);
    }
}

template <class Isa, int W>
struct Polynomial {
    typename Isa::Wide words[W];

    friend HARIS_INLINE Polynomial operator^(const Polynomial& a, const Polynomial& b) {
        Polynomial sum;
        for (int i = 0; i < W; ++i) sum.words[i] = Isa::add(a.words[i], b.words[i]);
        return sum;
    }
};

// u = e u, where e is the product of all generators of the tower's subfield of N planes.
template <class Isa, int N>
HARIS_INLINE void times_top(typename Isa::Wide* u) {
    if constexpr (N > 1) {
        constexpr int kHalf = N / 2;
        typename Isa::Wide sum[kHalf];
        for (int i = 0; i < kHalf; ++i) sum[i] = Isa::add(u[i], u[kHalf + i]);
        for (int i = 0; i < kHalf; ++i) u[i] = u[kHalf + i];
        times_top<Isa, kHalf>(u);
        times_top<Isa, kHalf>(u);
        times_top<Isa, kHalf>(sum);
        for (int i = 0; i < kHalf; ++i) u[kHalf + i] = sum[i];
    }
}

// N planes of operands p to N planes of product c, by Karatsuba's method in each storey of the tower.
template <class Isa, int W, int N>
void multiply_tower(const Polynomial<Isa, W>* p, Polynomial<Isa, W>* c);

template <class Isa, int W, int N>
HARIS_INLINE void multiply_storey(const Polynomial<Isa, W>* p, Polynomial<Isa, W>* c) {
    using P = Polynomial<Isa, W>;
    if constexpr (N == 1) {
        multiply_words<Isa, W>(p->words, c->words);
    } else {
        constexpr int kHalf = N / 2;
        P sum[kHalf], high[kHalf];
        for (int i = 0; i < kHalf; ++i) sum[i] = p[i] ^ p[kHalf + i];
        multiply_tower<Isa, W, kHalf>(p, c);
        multiply_tower<Isa, W, kHalf>(p + kHalf, high);
        multiply_tower<Isa, W, kHalf>(sum, c + kHalf);
        for (int w = 0; w < W; ++w) {  // word by word, in registers
            typename Isa::Wide raised[kHalf];
#pragma GCC unroll 8
            for (int i = 0; i < kHalf; ++i) c[kHalf + i].words[w] = Isa::add(c[kHalf + i].words[w], c[i].words[w]);
#pragma GCC unroll 8
            for (int i = 0; i < kHalf; ++i) raised[i] = high[i].words[w];
            times_top<Isa, kHalf>(raised);
#pragma GCC unroll 8
            for (int i = 0; i < kHalf; ++i) c[i].words[w] = Isa::add(c[i].words[w], raised[i]);
        }
    }
}

// Single words stay in registers as far as they go; longer polynomials are too much code for that.
template <class Isa, int W, int N>
__attribute__((noinline)) void multiply_apart(const Polynomial<Isa, W>* p, Polynomial<Isa, W>* c) {
    multiply_storey<Isa, W, N>(p, c);
}
template <class Isa, int W, int N>
HARIS_INLINE void multiply_tower(const Polynomial<Isa, W>* p, Polynomial<Isa, W>* c) {
    if constexpr (W == 1 || (W <= 6 && N == 1)) multiply_storey<Isa, W, N>(p, c);
    else multiply_apart<Isa, W, N>(p, c);
}

}  // namespace haris
