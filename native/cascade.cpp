#include "cascade.hpp"

#include <algorithm>
#include <bit>
#include <vector>

#include "bitmap.hpp"
#include "butterfly.hpp"
#include "cpu.hpp"

// A node is a run of positions of one pass; its halves are nodes, too. What is known of a pass is the finest partition
// into nodes of known parity, kept as two bitmaps.

namespace haris {
namespace {

// One frame of a search.
struct Frame {
    const CascadePlan& plan;
    Word* bits;
    Word* starts;
    Word* odd;
    Word* marks;
    std::int32_t* live;
    std::int32_t& opened;
    std::int32_t& working;
    std::int32_t& n_nodes;
    std::uint32_t* begins;
    std::uint32_t* ends;
    Size capacity;

    Frame(const CascadePlan& p, const CascadeSearch& s, Size f)
        : plan(p), bits(s.bits + f * p.n_passes * p.n_words), starts(s.starts + f * p.n_passes * p.n_words),
          odd(s.odd + f * p.n_passes * p.n_words),
          marks(s.marks + f * p.n_passes * CascadeSearch::mark_words(p.n_words)), live(s.live + f * p.n_passes),
          opened(s.opened[f]), working(s.working[f]), n_nodes(s.n_nodes[f]), begins(s.begins + f * s.capacity),
          ends(s.ends + f * s.capacity), capacity(s.capacity) {}

    Size n_bits() const { return 64 * plan.n_words; }
    // The last block may be smaller; it holds two bits at least, since frames are whole words and levels not 0.
    Size n_blocks(Size pass) const { return ((n_bits() - 1) >> plan.levels[pass]) + 1; }
    // Blocks that are asked for: the first pass tells the parity of the whole, and so of the last block of the others.
    Size n_asked(Size pass) const { return n_blocks(pass) - (pass > 0); }
    Word* of(Word* words, Size pass) const { return words + pass * plan.n_words; }
    Word* marks_of(Size pass) const { return marks + pass * CascadeSearch::mark_words(plan.n_words); }
    Butterfly order(Size pass) const {
        const Size first = static_cast<Size>(plan.rows[pass]), end = static_cast<Size>(plan.rows[pass + 1]);
        return {plan.masks + first * plan.n_words, end - first, plan.n_words};
    }
    std::int64_t n_live() const {
        std::int64_t total = 0;
        for (std::int32_t pass = 0; pass < opened; ++pass) total += live[pass];
        return total;
    }
    bool is_opening() const { return n_nodes == 0 && working > opened; }
};

// The pass with the most odd nodes for the size of its blocks. Small blocks first: an error found in one often makes a
// large odd block even, whose own search would have found it again.
Size busiest(const Frame& frame) {
    Size best = 0;
    for (Size pass = 1; pass < static_cast<Size>(frame.opened); ++pass) {
        const std::int64_t here = frame.live[pass], most = frame.live[best];
        if (here << frame.plan.levels[best] > most << frame.plan.levels[pass]) best = pass;
    }
    return best;
}

// Moves the odd nodes of a pass, as many as there is room for, into the list of nodes at work.
void take_nodes(Frame& frame, Size pass) {
    const Word* starts = frame.of(frame.starts, pass);
    Word* odd = frame.of(frame.odd, pass);
    Word* marks = frame.marks_of(pass);
    const Size n_bits = frame.n_bits();
    const Size wanted = std::min(static_cast<Size>(frame.live[pass]), frame.capacity);
    Size count = 0;
    for (Size mark = 0; count < wanted; ++mark) {
        while (marks[mark] != 0 && count < wanted) {
            const Size word = mark << 6 | static_cast<Size>(std::countr_zero(marks[mark]));
            Word rest = odd[word];
            for (; rest != 0 && count < wanted; rest &= rest - 1) {
                const Size at = word << 6 | static_cast<Size>(std::countr_zero(rest));
                frame.begins[count] = static_cast<std::uint32_t>(at);
                frame.ends[count++] = static_cast<std::uint32_t>(next_one(starts, at + 1, n_bits));
            }
            odd[word] = rest;
            if (rest == 0) marks[mark] &= marks[mark] - 1;
        }
    }
    frame.live[pass] -= static_cast<std::int32_t>(count);
    frame.n_nodes = static_cast<std::int32_t>(count);
}

// Where nothing is at work: lets the next passes open once no node is odd, those of one level together, or takes up the
// odd nodes of one pass. The nodes at work go down to single bits before anything else is decided.
void decide(Frame& frame) {
    if (frame.n_nodes > 0) return;
    const std::int32_t n_passes = static_cast<std::int32_t>(frame.plan.n_passes);
    frame.working = 0;
    if (frame.n_live() > 0) {
        const Size pass = busiest(frame);
        frame.working = static_cast<std::int32_t>(pass);
        take_nodes(frame, pass);
    } else if (frame.opened < n_passes) {
        std::int32_t end = frame.opened + 1;
        while (end < n_passes && frame.plan.levels[end] == frame.plan.levels[frame.opened]) ++end;
        frame.working = end;
    }
}

// How many parities the step decided asks for.
Size due(const Frame& frame) {
    if (!frame.is_opening()) return static_cast<Size>(frame.n_nodes);
    Size count = 0;
    for (std::int32_t pass = frame.opened; pass < frame.working; ++pass) count += frame.n_asked(static_cast<Size>(pass));
    return count;
}

void ask_blocks(Frame& frame, Size pass, BitWriter& out) {
    Word* bits = frame.of(frame.bits, pass);
    if (pass > 0) frame.order(pass).permute(frame.bits, bits);
    const Size size = Size{1} << frame.plan.levels[pass], n_bits = frame.n_bits(), n_asked = frame.n_asked(pass);
    if (size <= kShortRun) {  // then it divides a word, and no block is smaller
        for (Size block = 0; block < n_asked; ++block) out.put(short_parity(bits, n_bits / 8, block * size, size));
    } else {
        for (Size block = 0; block < n_asked; ++block)
            out.put(parity(bits, block * size, std::min((block + 1) * size, n_bits)));
    }
}

void ask_halves(const Frame& frame, BitWriter& out) {
    const Word* bits = frame.of(frame.bits, static_cast<Size>(frame.working));
    const Size n_octets = frame.n_bits() / 8;
    for (std::int32_t node = 0; node < frame.n_nodes; ++node) {
        const Size begin = frame.begins[node], length = (frame.ends[node] - begin) / 2;  // alike for most of the nodes
        out.put(length <= kShortRun ? short_parity(bits, n_octets, begin, length) : parity(bits, begin, begin + length));
    }
}

// The error parities of the blocks of a new pass. A word holds several blocks, or else some words begin one.
void learn_blocks(Frame& frame, Size pass, BitReader& in) {
    Word* starts = frame.of(frame.starts, pass);
    Word* odd = frame.of(frame.odd, pass);
    Word* marks = frame.marks_of(pass);
    const Size size = Size{1} << frame.plan.levels[pass], n_words = frame.plan.n_words;
    const Size blocks_a_word = size < 64 ? 64 / size : 1, step = size < 64 ? 1 : size / 64;
    Word pattern = 0;
    for (Size block = 0; block < blocks_a_word; ++block) pattern |= Word{1} << block * size;
    Size left = frame.n_asked(pass);
    std::int32_t n_odd = 0;
    for (Size word = 0; word < n_words; word += step) {
        Word errors = 0;
        for (Size block = 0; block < blocks_a_word && left > 0; ++block, --left) errors |= in.get() << block * size;
        if (pass > 0 && word + step >= n_words) {  // the last block was not asked for: it makes up the whole
            const Word whole = static_cast<Word>(frame.live[0]);
            errors |= ((whole ^ n_odd ^ std::popcount(errors)) & 1) << (blocks_a_word - 1) * size;
        }
        starts[word] = pattern;
        odd[word] = errors;
        marks[word >> 6] |= Word{errors != 0} << (word & 63);
        n_odd += std::popcount(errors);
    }
    frame.live[pass] = n_odd;
}

// The error parities of the left halves of the nodes at work: each gives way to its odd half. Returns how many errors
// are located; their positions are in found, which has room for all nodes.
Size learn_halves(Frame& frame, BitReader& in, std::uint32_t* found) {
    Word* starts = frame.of(frame.starts, static_cast<Size>(frame.working));
    Size n_found = 0, kept = 0;
    for (std::int32_t node = 0; node < frame.n_nodes; ++node) {
        const std::uint32_t begin = frame.begins[node], end = frame.ends[node], middle = (begin + end) / 2;
        const std::uint32_t right = static_cast<std::uint32_t>(in.get()) - 1;  // all ones where the right half is odd
        const std::uint32_t odd_begin = begin ^ ((begin ^ middle) & right), odd_end = middle ^ ((middle ^ end) & right);
        set(starts, middle);
        const Size single = odd_end - odd_begin == 1;
        found[n_found] = odd_begin;
        n_found += single;
        frame.begins[kept] = odd_begin;
        frame.ends[kept] = odd_end;
        kept += 1 - single;
    }
    frame.n_nodes = static_cast<std::int32_t>(kept);
    return n_found;
}

// Takes located errors, positions of the pass at work, out of every open pass. False where one was known to be right.
// at: room for as many positions as found has.
bool settle(Frame& frame, std::uint32_t* found, Size n_found, std::uint32_t* at, bool correct) {
    const Size n_bits = frame.n_bits(), working = static_cast<Size>(frame.working);
    if (correct)
        for (Size error = 0; error < n_found; ++error) flip(frame.of(frame.bits, working), found[error]);
    frame.order(working).indices(found, n_found);
    bool possible = true;
    for (Size pass = 0; pass < static_cast<Size>(frame.opened); ++pass) {
        if (pass == working) continue;
        Word* starts = frame.of(frame.starts, pass);
        Word* odd = frame.of(frame.odd, pass);
        Word* marks = frame.marks_of(pass);
        std::copy(found, found + n_found, at);
        frame.order(pass).positions(at, n_found);
        if (correct)
            for (Size error = 0; error < n_found; ++error) flip(frame.of(frame.bits, pass), at[error]);
        std::int32_t change = 0;
        for (Size error = 0; error < n_found; ++error) {
            const Size start = last_one(starts, at[error]), next = at[error] + 1;
            flip(odd, start);
            set(marks, start >> 6);
            const std::int32_t is_odd = test(odd, start);
            change += 2 * is_odd - 1;
            if (start + 1 == next && (next == n_bits || test(starts, next))) possible = possible && !is_odd;
        }
        frame.live[pass] += change;
    }
    return possible;
}

Size decide_all(const CascadePlan& plan, CascadeSearch& search) {
    for (Size f = 0; f < plan.n_frames; ++f) {
        Frame frame(plan, search, f);
        decide(frame);
    }
    return cascade_due(plan, search);
}

void ask_all(const CascadePlan& plan, CascadeSearch& search, std::uint8_t* parities) {
    BitWriter out(parities);
    for (Size f = 0; f < plan.n_frames; ++f) {
        Frame frame(plan, search, f);
        if (frame.is_opening()) {
            const Size end = static_cast<Size>(frame.working);
            for (Size pass = static_cast<Size>(frame.opened); pass < end; ++pass) ask_blocks(frame, pass, out);
        } else {
            ask_halves(frame, out);
        }
    }
    out.finish();
}

bool learn_all(const CascadePlan& plan, CascadeSearch& search, const std::uint8_t* errors, bool correct) {
    BitReader in(errors);
    std::vector<std::uint32_t> found(search.capacity), at(search.capacity);
    for (Size f = 0; f < plan.n_frames; ++f) {
        Frame frame(plan, search, f);
        if (frame.is_opening()) {
            const Size end = static_cast<Size>(frame.working);
            for (Size pass = static_cast<Size>(frame.opened); pass < end; ++pass) learn_blocks(frame, pass, in);
            frame.opened = frame.working;
        } else if (frame.n_nodes > 0) {
            const Size n_found = learn_halves(frame, in, found.data());
            if (!settle(frame, found.data(), n_found, at.data(), correct)) return false;
        }
    }
    return true;
}

// The same again for processors with AVX2: the compiler widens the loops over words and uses the bit instructions.
#if defined(__x86_64__)
#define HARIS_AVX2 __attribute__((target("avx2,bmi,bmi2,popcnt"), flatten))
HARIS_AVX2 Size decide_avx2(const CascadePlan& plan, CascadeSearch& search) { return decide_all(plan, search); }
HARIS_AVX2 void ask_avx2(const CascadePlan& plan, CascadeSearch& search, std::uint8_t* parities) {
    ask_all(plan, search, parities);
}
HARIS_AVX2 bool learn_avx2(const CascadePlan& plan, CascadeSearch& search, const std::uint8_t* errors, bool correct) {
    return learn_all(plan, search, errors, correct);
}
#endif

}  // namespace

bool cascade_is_wide() {
#if defined(__x86_64__)
    return has_avx2() && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
           __builtin_cpu_supports("popcnt");
#else
    return false;
#endif
}

std::size_t cascade_due(const CascadePlan& plan, const CascadeSearch& search) {
    Size count = 0;
    for (Size f = 0; f < plan.n_frames; ++f) count += due(Frame(plan, search, f));
    return count;
}

std::size_t cascade_decide(const CascadePlan& plan, CascadeSearch& search, bool portable) {
#if defined(__x86_64__)
    if (cascade_is_wide() && !portable) return decide_avx2(plan, search);
#endif
    return decide_all(plan, search);
}

void cascade_ask(const CascadePlan& plan, CascadeSearch& search, std::uint8_t* parities, bool portable) {
#if defined(__x86_64__)
    if (cascade_is_wide() && !portable) return ask_avx2(plan, search, parities);
#endif
    ask_all(plan, search, parities);
}

bool cascade_learn(const CascadePlan& plan, CascadeSearch& search, const std::uint8_t* errors, bool correct,
                   bool portable) {
#if defined(__x86_64__)
    if (cascade_is_wide() && !portable) return learn_avx2(plan, search, errors, correct);
#endif
    return learn_all(plan, search, errors, correct);
}

}  // namespace haris
