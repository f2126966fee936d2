// The pass over samples, plain loops that the compiler makes vectors of: included once for each instruction set.
// Samples of one bit are taken as words of 64: HARIS_HEALTH_512 or HARIS_HEALTH_256 where vectors give them.
#pragma once

#include <bit>
#include <cstring>

#include "sample_health.hpp"

#if defined(HARIS_HEALTH_512) || defined(HARIS_HEALTH_256)
#include <immintrin.h>
#endif

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

    // kHealthStep samples at once, with three more before them in memory. False, and nothing done, where a failure is near.
    bool take_step(const Code* codes) {
        constexpr std::size_t n = kHealthStep;
        const Code reference = state.place == 0 ? codes[0] : static_cast<Code>(state.reference);
        const Code high = static_cast<Code>(top);
        Code same = 0, low = 0, highest = 0, toggled = 0;
        for (std::size_t i = 0; i < n; ++i) same = static_cast<Code>(same + (codes[i] == reference));
        const std::int64_t count = (state.place == 0 ? 0 : state.count) + same;
        if (count >= settings.proportion_cutoff) return false;
        if (settings.repetition_cutoff < kLongRun ? has_four(codes, toggled) : has_long_run(codes, toggled)) return false;
        for (std::size_t i = 0; i < n; ++i) low = static_cast<Code>(low + (codes[i] == 0));
        for (std::size_t i = 0; i < n; ++i) highest = static_cast<Code>(highest + (codes[i] == high));
        add_moments(codes);
        state.reference = reference;
        state.count = count;
        state.place += n;
        if (state.place == settings.proportion_window) state.place = 0;
        state.lowest += low;
        state.highest += highest;
        state.toggled |= toggled;
        state.last = codes[n - 1];
        std::size_t end = n - 1;
        while (end > 0 && codes[end - 1] == codes[n - 1]) --end;
        state.run = static_cast<std::int64_t>(n - end);
        state.filled += n;
        end_of_row();
        return true;
    }

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

    static constexpr std::int64_t kLongRun = 16;  // cutoffs from which on it pays to look for longer runs than four

    // Whether a sample is the last of four equal ones.
    bool has_four(const Code* codes, Code& toggled) const {
        Code repeated = 0;
        for (std::size_t i = 0; i < kHealthStep; ++i) {
            const Code a = codes[i] ^ *(codes + i - 1), b = *(codes + i - 1) ^ *(codes + i - 2),
                       c = *(codes + i - 2) ^ *(codes + i - 3);
            toggled |= a;
            repeated |= static_cast<Code>((a | b | c) == 0);
        }
        return repeated;
    }

    // Whether the run from before reaches the cutoff, or a run inside could: the greatest power of two below it, up to
    // half a step, without a change.
    bool has_long_run(const Code* codes, Code& toggled) const {
        constexpr std::size_t n = kHealthStep;
        std::int64_t prefix = 0;
        while (prefix < static_cast<std::int64_t>(n) && codes[prefix] == static_cast<Code>(state.last)) ++prefix;
        if (state.run + prefix >= settings.repetition_cutoff) return true;
        Code changed[n], longer[n];
        for (std::size_t i = 0; i < n; ++i) toggled |= changed[i] = static_cast<Code>(codes[i] ^ *(codes + i - 1));
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

    void add_moments(const Code* codes) {
        constexpr std::size_t n = kHealthStep;
        if constexpr (kWide) {
            std::int64_t sum = 0, squares = 0;
            for (std::size_t i = 0; i < n; ++i) {
                const int off = static_cast<int>(codes[i]) - centre;
                sum += off;
                squares += static_cast<std::int64_t>(off) * off;
            }
            state.sum += sum;
            state.squares += squares;
        } else {
            std::int16_t off[n];
            for (std::size_t i = 0; i < n; ++i) off[i] = static_cast<std::int16_t>(codes[i] - centre);
            int sum = 0, squares = 0;
            for (std::size_t i = 0; i < n; ++i) sum += off[i];
            for (std::size_t i = 0; i < n; ++i) squares += off[i] * off[i];
            state.sum += sum;
            state.squares += squares;
        }
    }

    // NH with two keys: two windows that differ have one digest with probability at most 2^-64 over the keys (Black,
    // Halevi, Krawczyk, Krovetz, Rogaway, "UMAC", CRYPTO '99). The window as `octets` of them, 16 or more.
    static bool seen(const void* window, std::size_t octets, std::uint64_t* digests, std::size_t slots) {
        std::uint32_t words[DigestKeys::kWords];
        const std::size_t n = octets / 4;
        std::memcpy(words, window, octets);
        std::uint64_t digest[2];
        for (int k = 0; k < 2; ++k) {
            const std::uint32_t* key = kDigestKeys.words[k];
            std::uint64_t sum = 0;
            for (std::size_t i = 0; i < n / 2; ++i)
                sum += static_cast<std::uint64_t>(words[i] + key[i]) * (words[n / 2 + i] + key[n / 2 + i]);
            digest[k] = sum;
        }
        std::uint64_t* const slot = digests + 2 * ((digest[0] ^ digest[1] >> 32) & (slots - 1));
        const bool found = slot[0] == digest[0] && slot[1] == digest[1];
        slot[0] = digest[0];
        slot[1] = digest[1];
        return found;
    }

    // A proportion window that lies whole in the chunk: looked up, and taken where it may be. False where it was not taken.
    bool take_window(const Code* codes, std::size_t at, std::uint64_t* digests, std::size_t slots) {
        const auto n = static_cast<std::size_t>(settings.proportion_window);
        bool copied = false, taken = false;
        if constexpr (sizeof(Code) == 1) {
            if (settings.bits == 1) {
                std::uint64_t words[kMostWords];
                for (std::size_t i = 0; i < n / 64; ++i) words[i] = gathered(codes + at + 64 * i);
                copied = seen(words, n / 8, digests, slots);
                taken = in_words() && take_words(words);
            } else {
                copied = seen(codes + at, n, digests, slots);
            }
        } else {
            copied = seen(codes + at, n * sizeof(Code), digests, slots);
        }
        if (copied && failures.copied < 0) failures.copied = static_cast<std::int64_t>(at + n - 1);
        return taken;
    }
};

template <class Code, bool kWide>
HealthFailures health_run(const Code* codes, std::size_t n, const HealthSettings& settings, HealthState& state,
                          std::int64_t* rows, std::uint64_t* digests, std::size_t slots) {
    HealthPass<Code, kWide> pass{settings, state, rows, {}, 1 << (settings.bits - 1), (1 << settings.bits) - 1};
    const auto proportion = static_cast<std::size_t>(settings.proportion_window);
    for (std::size_t i = 0; i < n;) {
        if (state.place == 0 && n - i >= proportion && pass.take_window(codes, i, digests, slots)) {
            i += proportion;
            continue;
        }
        const std::size_t left = std::min(n - i, proportion - static_cast<std::size_t>(state.place));
        const std::size_t end = i + left;
        while (i < end) {
            if (i >= 3 && end - i >= kHealthStep && pass.take_step(codes + i)) {
                i += kHealthStep;
                continue;
            }
            const std::size_t next = std::min(end, i < 3 ? 3 : i + kHealthStep);
            for (; i < next; ++i) pass.take(codes[i], static_cast<std::int64_t>(i));
        }
    }
    return pass.failures;
}

template <class Code>
HealthFailures health_pass(const Code* codes, std::size_t n, const HealthSettings& settings, HealthState& state,
                           std::int64_t* rows, std::uint64_t* digests, std::size_t slots) {
    // Squares of 12 bits fit in 32 bits for a step.
    if (settings.bits <= 12) return health_run<Code, false>(codes, n, settings, state, rows, digests, slots);
    return health_run<Code, true>(codes, n, settings, state, rows, digests, slots);
}

}  // namespace
}  // namespace haris
