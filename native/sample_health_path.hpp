// The pass over samples, a proportion window at a time: included once for each instruction set. Windows near a failure,
// and what is no whole window of a chunk, go sample by sample. Samples of one bit are taken as words of 64.
#pragma once

#include <bit>
#include <cstring>

#include "sample_health.hpp"
#include "sample_health_lanes.hpp"

namespace haris {
namespace {

// Keys of the digest, a word for each 4 octets of a window, for two digests of 64 bits: SplitMix64 of 1, 2, ...
struct DigestKeys {
    static constexpr std::size_t kWords = kHealthMostProportion * 2 / 4;
    std::uint32_t words[2][kWords];
};
constexpr DigestKeys digest_keys() {
    DigestKeys keys{};
    std::uint64_t state = 0;
    for (auto& row : keys.words)
        for (std::uint32_t& word : row) {
            std::uint64_t z = state += 0x9e3779b97f4a7c15;
            z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
            z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
            word = static_cast<std::uint32_t>((z ^ (z >> 31)) >> 32);
        }
    return keys;
}
constexpr DigestKeys kDigestKeys = digest_keys();

template <class Code, bool kWide>
struct HealthPass {
    const HealthSettings settings;
    HealthState& state;
    std::int64_t* rows;
    HealthFailures failures;
    const int centre, top;

    void end_of_row() {
        if (state.filled < settings.window) return;
        for (const std::int64_t value : {state.sum, state.squares, state.lowest, state.highest, state.toggled})
            *rows++ = value;
        state.filled = state.sum = state.squares = state.lowest = state.highest = state.toggled = 0;
    }

    void take(int code, std::int64_t at) {
        if (state.run) state.toggled |= code ^ static_cast<int>(state.last);
        state.run = state.run && code == state.last ? state.run + 1 : 1;
        state.last = code;
        if (state.run >= settings.repetition_cutoff && failures.repetition < 0) failures.repetition = at;
        if (state.place == 0) {
            state.reference = code;
            state.count = 0;
        }
        state.count += code == state.reference;
        if (state.count >= settings.proportion_cutoff && failures.proportion < 0) failures.proportion = at;
        if (++state.place == settings.proportion_window) state.place = 0;
        const std::int64_t off = code - centre;
        state.sum += off;
        state.squares += off * off;
        state.lowest += code == 0;
        state.highest += code == top;
        ++state.filled;
        end_of_row();
    }

    static constexpr std::size_t kMostWindows = 32;  // that are taken together

    // Up to `most` proportion windows from sample `at` on, of one row. All that come before one with a failure near are
    // taken together, then that one sample by sample. Returns how many.
    std::size_t take_windows(const Code* codes, std::size_t at, std::size_t most, std::uint64_t* digests,
                             std::size_t slots) {
        constexpr std::size_t n_lanes = kLaneOctets / sizeof(Code), kAhead = 4096 / sizeof(Code);
        const auto n = static_cast<std::size_t>(settings.proportion_window);
        const Code* window = codes + at;
        const auto before = broadcast(state.run ? static_cast<Code>(state.last) : *window);
        const auto zero = Lanes<Code>{}, high = broadcast(static_cast<Code>(top));
        Moments<Code, kWide> moments(settings.bits);
        Lanes<Code> toggled{};
        std::size_t done = 0;
        for (; done < most; ++done, window += n) {
            if (seen(window, n * sizeof(Code), digests, slots) && failures.copied < 0)
                failures.copied = static_cast<std::int64_t>(at + (done + 1) * n - 1);
            const auto reference = broadcast(*window);
            EqualCount<Code> same, lowest, highest;
            for (std::size_t i = 0; i < n; i += n_lanes) {
                __builtin_prefetch(window + i + kAhead);
                same.add(load_lanes<Code>(window + i), reference);
            }
            if (same.total() >= settings.proportion_cutoff || may_repeat(window)) break;
            for (std::size_t i = 0; i < n; i += n_lanes) {
                const auto part = load_lanes<Code>(window + i);
                toggled |= part ^ before;
                lowest.add(part, zero);
                highest.add(part, high);
                moments.add(part);
            }
            moments.end_of_window();
            state.lowest += lowest.total();
            state.highest += highest.total();
            state.reference = *window;
            state.count = same.total();
            state.last = window[n - 1];
            state.run = 1;
            for (const Code* code = window + n - 1; code > window && code[-1] == *code; --code) ++state.run;
        }
        const auto taken = static_cast<std::int64_t>(done * n);
        const std::int64_t off = moments.centre() - centre, sum = moments.sum();
        state.sum += sum + taken * off;
        state.squares += moments.squares() + 2 * off * sum + taken * off * off;
        state.toggled |= or_of_lanes<Code>(toggled);
        state.filled += taken;
        end_of_row();
        if (done == most) return done;
        for (std::size_t i = 0; i < n; ++i) take(window[i], static_cast<std::int64_t>(at + done * n + i));
        return done + 1;
    }

    static Lanes<Code> broadcast(Code code) { return Lanes<Code>{} + code; }

    static constexpr std::size_t kMostWords = kHealthMostProportion / 64;

    // Whether samples of one bit may be taken by words: no run that begins and ends in one reaches the cutoff.
    bool in_words() const { return settings.repetition_cutoff > 64; }

    // A proportion window at once, from its first sample on. False, and nothing done, where a failure is in it.
    bool take_words(const std::uint64_t* words) {
        const std::int64_t n = settings.proportion_window;
        const std::size_t n_words = static_cast<std::size_t>(n) / 64;
        const std::int64_t reference = static_cast<std::int64_t>(words[0] & 1);
        std::int64_t ones = 0, run = state.run;
        std::uint64_t last = run ? static_cast<std::uint64_t>(state.last) : words[0] & 1, toggled = 0;
        for (std::size_t i = 0; i < n_words; ++i) {
            const std::uint64_t word = words[i], top = word >> 63;
            ones += std::popcount(word);
            run += std::countr_zero(last ? ~word : word);  // 64 where the whole word goes on
            if (run >= settings.repetition_cutoff) return false;
            const std::uint64_t changes = word ^ (word << 1 | last);
            toggled |= changes;
            if (changes) run = std::countl_zero(top ? ~word : word);
            last = top;
        }
        const std::int64_t count = reference ? ones : n - ones;
        if (count >= settings.proportion_cutoff) return false;
        state.reference = reference;
        state.count = count;
        state.sum -= n - ones;  // the centre is 1
        state.squares += n - ones;
        state.lowest += n - ones;
        state.highest += ones;
        state.toggled |= toggled != 0;
        state.run = run;
        state.last = static_cast<std::int64_t>(last);
        state.filled += n;
        end_of_row();
        return true;
    }

    // The bits of 64 samples, the first lowest.
    static std::uint64_t gathered(const std::uint8_t* codes) {
#if defined(HARIS_HEALTH_512)
        const __m512i octets = _mm512_loadu_si512(codes);
        return _mm512_test_epi8_mask(octets, octets);
#elif defined(HARIS_HEALTH_256)
        const auto* halves = reinterpret_cast<const __m256i*>(codes);
        const auto low = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_slli_epi16(_mm256_loadu_si256(halves), 7)));
        const auto high = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_slli_epi16(_mm256_loadu_si256(halves + 1), 7)));
        return static_cast<std::uint64_t>(high) << 32 | low;
#else
        std::uint64_t word = 0;
        for (std::size_t i = 0; i < 8; ++i) {
            std::uint64_t octets;
            std::memcpy(&octets, codes + 8 * i, 8);
            word |= (octets * 0x0102040810204080 >> 56) << (8 * i);
        }
        return word;
#endif
    }

    // Whether the run from before reaches the cutoff in a window, or a run inside could: no run that does is missed.
    bool may_repeat(const Code* window) const {
        std::int64_t prefix = 0;
        while (prefix < settings.proportion_window && window[prefix] == static_cast<Code>(state.last)) ++prefix;
        if (state.run + prefix >= settings.repetition_cutoff) return true;
        if (settings.repetition_cutoff >= kLongRun) return has_long_run(window);
        // A run of 2 g - 1 holds a group of g from a multiple of g on.
        return settings.repetition_cutoff >= 7 ? has_equal_group<4>(window) : has_equal_group<2>(window);
    }

    static constexpr std::int64_t kLongRun = 16;  // cutoffs from which on groups of four are too often equal

    template <std::size_t kGroup>
    bool has_equal_group(const Code* window) const {
        using Group = std::conditional_t<kGroup * sizeof(Code) == 2, std::uint16_t,
                                         std::conditional_t<kGroup * sizeof(Code) == 4, std::uint32_t, std::uint64_t>>;
        constexpr unsigned shift = 8 * sizeof(Code);
        Lanes<Group> equal{};
        const auto n = static_cast<std::size_t>(settings.proportion_window);
        for (std::size_t i = 0; i < n; i += kLaneOctets / sizeof(Code)) {
            const auto groups = load_lanes<Group>(window + i);
            equal |= (Lanes<Group>)(groups == (groups << shift | groups >> (8 * sizeof(Group) - shift)));
        }
        return or_of_lanes<Group>(equal) != 0;
    }

    // Whether a run could reach the cutoff: the greatest power of two below it, up to half a window, without a change.
    bool has_long_run(const Code* window) const {
        const auto n = static_cast<std::size_t>(settings.proportion_window);
        Code changed[kHealthMostProportion], longer[kHealthMostProportion];
        changed[0] = 1;
        for (std::size_t i = 1; i < n; ++i) changed[i] = static_cast<Code>(window[i] ^ window[i - 1]);
        const auto most = static_cast<std::size_t>(std::min<std::int64_t>(settings.repetition_cutoff - 1, n / 2));
        std::size_t reach = 1;
        for (; 2 * reach <= most; reach *= 2) {
            for (std::size_t i = 0; i < n - reach; ++i)
                longer[i + reach] = static_cast<Code>(changed[i + reach] | changed[i]);
            std::memcpy(changed + reach, longer + reach, (n - reach) * sizeof(Code));
        }
        Code unchanged = 0;
        for (std::size_t i = reach; i < n; ++i) unchanged |= static_cast<Code>(changed[i] == 0);
        return unchanged;
    }

    // NH with two keys: two windows that differ have one digest with probability at most 2^-64 over the keys (Black,
    // Halevi, Krawczyk, Krovetz, Rogaway, "UMAC", CRYPTO '99). The window as `octets` of them, 16 or more.
    static bool seen(const void* window, std::size_t octets, std::uint64_t* digests, std::size_t slots) {
        const auto* first = static_cast<const std::uint8_t*>(window);
        const auto* second = first + octets / 2;
        const std::uint32_t *const one = kDigestKeys.words[0], *const two = kDigestKeys.words[1];
        const std::size_t n = octets / 8;  // words of a half
        Lanes<std::uint64_t> sums[2] = {};
        std::size_t i = 0;
        for (; i + kLaneOctets / 4 <= n; i += kLaneOctets / 4) {
            const auto a = load_lanes<std::uint32_t>(first + 4 * i), b = load_lanes<std::uint32_t>(second + 4 * i);
            add_products(a + load_lanes<std::uint32_t>(one + i), b + load_lanes<std::uint32_t>(one + n + i), sums[0]);
            add_products(a + load_lanes<std::uint32_t>(two + i), b + load_lanes<std::uint32_t>(two + n + i), sums[1]);
        }
        std::uint64_t digest[2];
        for (int k = 0; k < 2; ++k) digest[k] = sum_of_lanes<std::uint64_t, std::uint64_t>(sums[k]);
        for (; i < n; ++i) {
            std::uint32_t a, b;
            std::memcpy(&a, first + 4 * i, 4);
            std::memcpy(&b, second + 4 * i, 4);
            digest[0] += static_cast<std::uint64_t>(a + one[i]) * (b + one[n + i]);
            digest[1] += static_cast<std::uint64_t>(a + two[i]) * (b + two[n + i]);
        }
        std::uint64_t* const slot = digests + 2 * ((digest[0] ^ digest[1] >> 32) & (slots - 1));
        const bool found = slot[0] == digest[0] && slot[1] == digest[1];
        slot[0] = digest[0];
        slot[1] = digest[1];
        return found;
    }

    static void add_products(Lanes<std::uint32_t> a, Lanes<std::uint32_t> b, Lanes<std::uint64_t>& sum) {
        const auto x = (Lanes<std::uint64_t>)a, y = (Lanes<std::uint64_t>)b;
        sum += low_products(x, y) + low_products(x >> 32, y >> 32);
    }

    // One window of samples of one bit, as take_windows has it.
    std::size_t take_window_of_bits(const std::uint8_t* codes, std::size_t at, std::uint64_t* digests,
                                    std::size_t slots) {
        const auto n = static_cast<std::size_t>(settings.proportion_window);
        std::uint64_t words[kMostWords];
        for (std::size_t i = 0; i < n / 64; ++i) words[i] = gathered(codes + at + 64 * i);
        if (seen(words, n / 8, digests, slots) && failures.copied < 0)
            failures.copied = static_cast<std::int64_t>(at + n - 1);
        if (!in_words() || !take_words(words))
            for (std::size_t i = at; i < at + n; ++i) take(codes[i], static_cast<std::int64_t>(i));
        return 1;
    }
};

template <class Code, bool kWide>
HealthFailures health_run(const Code* codes, std::size_t n, const HealthSettings& settings, HealthState& state,
                          std::int64_t* rows, std::uint64_t* digests, std::size_t slots) {
    using Pass = HealthPass<Code, kWide>;
    Pass pass{settings, state, rows, {}, 1 << (settings.bits - 1), (1 << settings.bits) - 1};
    const auto proportion = static_cast<std::size_t>(settings.proportion_window);
    for (std::size_t i = 0; i < n;) {
        if (state.place || n - i < proportion) {
            pass.take(codes[i], static_cast<std::int64_t>(i));
            ++i;
            continue;
        }
        const auto of_row = static_cast<std::size_t>(settings.window - state.filled);
        const std::size_t windows = std::min(std::min(n - i, of_row) / proportion, Pass::kMostWindows);
        if constexpr (sizeof(Code) == 1) {
            if (settings.bits == 1) {
                i += proportion * pass.take_window_of_bits(codes, i, digests, slots);
                continue;
            }
        }
        i += proportion * pass.take_windows(codes, i, windows, digests, slots);
    }
    return pass.failures;
}

template <class Code>
HealthFailures health_pass(const Code* codes, std::size_t n, const HealthSettings& settings, HealthState& state,
                           std::int64_t* rows, std::uint64_t* digests, std::size_t slots) {
    // Squares of 12 bits fit in 32 bits for a window.
    if (settings.bits <= 12) return health_run<Code, false>(codes, n, settings, state, rows, digests, slots);
    return health_run<Code, true>(codes, n, settings, state, rows, digests, slots);
}

}  // namespace
}  // namespace haris
