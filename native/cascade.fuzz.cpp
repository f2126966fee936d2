// Lets two parties of Cascade find their errors by any plan, one on each path, with parities told or lied about, and stops
// where they differ from a plain loop, or end with an odd node though nobody lied:
//
//     clang++ -std=c++20 -g -O2 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
//         native/cascade.fuzz.cpp native/cascade.cpp native/cpu.cpp -o cascade_fuzz
//     ./cascade_fuzz -len_control=0 -max_len=1024 -max_total_time=600
#include <algorithm>
#include <array>
#include <cstdlib>
#include <numeric>
#include <utility>
#include <vector>

#include "bitmap.hpp"
#include "butterfly.hpp"
#include "cascade.hpp"
#include "fuzz_octets.hpp"

namespace {

using namespace haris;
using Bits = std::vector<std::uint8_t>;  // one an octet
using Words = std::vector<std::uint64_t>;

void require(bool holds) {
    if (!holds) std::abort();
}

// Any plan, for frames of a few words or of more than 64, and any room for nodes at work.
struct Drawn {
    Size n_frames, n_words, capacity;
    std::vector<std::int32_t> levels, rows{0};
    Words masks;
    std::vector<std::vector<Size>> index, position;

    explicit Drawn(Octets& octets) {
        const unsigned size = octets.take<std::uint8_t>();
        n_words = 1 + (size < 192 ? size % 4 : size < 254 ? size % 16 : 64 + size % 2);
        n_frames = n_words > 16 ? 1 : 1 + octets.take<std::uint8_t>() % 3;
        capacity = 1 + octets.take<std::uint8_t>();
        const std::int32_t top = static_cast<std::int32_t>(Butterfly::top(n_words));
        for (int n = 1 + octets.take<std::uint8_t>() % 6; n > 0; --n)
            levels.push_back(1 + octets.take<std::uint8_t>() % top);
        const Words words = octets.row<std::uint64_t>(4);
        for (Size pass = 0; pass < levels.size(); ++pass) {
            for (std::int32_t k = top; pass > 0 && k >= levels[pass]; --k) {
                masks.resize(masks.size() + n_words);
                butterfly_mask({{words[0], words[1]}, {words[2], words[3]}}, masks.size() / n_words - 1,
                               static_cast<unsigned>(k), n_words, masks.data() + masks.size() - n_words);
            }
            rows.push_back(static_cast<std::int32_t>(masks.size() / n_words));
        }
        masks.shrink_to_fit();
        order();
    }

    // Of every pass, the bit at each position, and the other way round.
    void order() {
        for (Size pass = 0; pass < levels.size(); ++pass) {
            std::vector<Size> at(n_bits());
            std::iota(at.begin(), at.end(), Size{0});
            Size distance = std::bit_floor(n_bits() - 1);
            for (std::int32_t row = rows[pass]; row < rows[pass + 1]; ++row, distance /= 2)
                for (Size x = 0; x < n_bits(); ++x)
                    if (test(masks.data() + static_cast<Size>(row) * n_words, x)) std::swap(at[x], at[x + distance]);
            position.emplace_back(n_bits());
            for (Size x = 0; x < n_bits(); ++x) position[pass][at[x]] = x;
            index.push_back(std::move(at));
        }
    }
    Size n_bits() const { return 64 * n_words; }
    CascadePlan plan() const {
        return {n_frames, levels.size(), n_words, levels.data(), rows.data(), masks.data()};
    }
};

// One party's arrays, each of just its size, so that a sanitizer guards its end.
struct Party {
    const Drawn& drawn;
    bool portable, corrects;
    Size frames_passes = drawn.n_frames * drawn.levels.size();
    Words bits = Words(frames_passes * drawn.n_words), starts = bits, odd = bits;
    Words marks = Words(frames_passes * CascadeSearch::mark_words(drawn.n_words));
    std::vector<std::int32_t> live = std::vector<std::int32_t>(frames_passes), opened = counts(), working = counts(),
                              n_nodes = counts();
    std::vector<std::uint32_t> begins = std::vector<std::uint32_t>(drawn.n_frames * drawn.capacity), ends = begins;
    Size n_parities = 0;

    std::vector<std::int32_t> counts() const { return std::vector<std::int32_t>(drawn.n_frames); }
    CascadeSearch search() {
        return {bits.data(),   starts.data(),  odd.data(),     marks.data(),  live.data(),   opened.data(),
                working.data(), n_nodes.data(), begins.data(), ends.data(), drawn.capacity};
    }
    std::uint64_t* frame(Size f) { return bits.data() + f * drawn.levels.size() * drawn.n_words; }
    // The packed parities of the next step.
    Bits ask() {
        CascadeSearch now = search();
        n_parities = cascade_decide(drawn.plan(), now, portable);
        require(cascade_due(drawn.plan(), now) == n_parities);
        Bits packed((n_parities + 7) / 8);
        cascade_ask(drawn.plan(), now, packed.data(), portable);
        return packed;
    }
    bool learn(const Bits& errors) {
        CascadeSearch now = search();
        return cascade_learn(drawn.plan(), now, errors.data(), corrects, portable);
    }
};

// ---- the plain loop: the specification in haris.kernels.reference_cascade

struct Node {
    Size pass, begin, end;
};

struct PlainPass {
    std::vector<Size> ends;  // of the node that begins at each position; 0: none does
    Bits odd;                // whether the node that begins there is odd
    Size n_odd = 0;

    explicit PlainPass(Size n_bits) : ends(n_bits), odd(n_bits) {}
    void turn(Size begin) { n_odd += (odd[begin] ^= 1) ? 1 : Size(-1); }
    Size node_at(Size at) const {
        while (ends[at] == 0) --at;
        return at;
    }
};

struct PlainFrame {
    const Drawn& drawn;
    Bits bits;
    std::vector<PlainPass> passes;
    std::vector<Node> work;
    bool opens = false;

    void decide() {
        opens = false;
        if (!work.empty()) return;
        Size best = 0;
        const auto share = [&](Size pass) {  // of odd nodes, for the size of the blocks
            return passes[pass].n_odd << 16 >> drawn.levels[pass];
        };
        for (Size pass = 1; pass < passes.size(); ++pass)
            if (share(pass) > share(best)) best = pass;
        if (!passes.empty() && passes[best].n_odd > 0) {
            for (Size begin = 0; begin < bits.size() && work.size() < drawn.capacity; ++begin) {
                if (!passes[best].odd[begin]) continue;
                work.push_back({best, begin, passes[best].ends[begin]});
                passes[best].turn(begin);
            }
        } else if (passes.size() < drawn.levels.size()) {
            opens = true;
            const Size first = passes.size();
            for (Size pass = first; pass < drawn.levels.size() && drawn.levels[pass] == drawn.levels[first]; ++pass) {
                const Size size = Size{1} << drawn.levels[pass];
                for (Size begin = 0; begin < bits.size(); begin += size)
                    work.push_back({pass, begin, std::min(begin + size, bits.size())});
            }
        }
    }
    // Nodes whose parities are asked for. The first pass tells the parity of the whole.
    std::vector<Node> asked() const {
        std::vector<Node> nodes;
        for (const Node& node : work) {
            if (!opens) nodes.push_back({node.pass, node.begin, (node.begin + node.end) / 2});
            else if (node.pass == 0 || node.end < bits.size()) nodes.push_back(node);
        }
        return nodes;
    }
    bool parity_of(const Node& node) const {
        bool sum = false;
        for (Size at = node.begin; at < node.end; ++at) sum ^= bits[drawn.index[node.pass][at]] & 1;
        return sum;
    }
    bool learn(const std::vector<bool>& told, Size& next, bool corrects) {
        return opens ? learn_blocks(told, next) : learn_halves(told, next, corrects);
    }

    bool learn_blocks(const std::vector<bool>& told, Size& next) {
        for (const Node& node : work) {
            if (node.begin == 0) passes.emplace_back(bits.size());
            PlainPass& pass = passes.back();
            pass.ends[node.begin] = node.end;
            const bool is_told = node.pass == 0 || node.end < bits.size();
            if (is_told ? told[next++] : (pass.n_odd + passes[0].n_odd) & 1) pass.turn(node.begin);
        }
        work.clear();
        return true;
    }
    bool learn_halves(const std::vector<bool>& told, Size& next, bool corrects) {
        std::vector<Node> kept;
        std::vector<std::pair<Size, Size>> wrong;  // pass and index
        for (const Node& node : work) {
            const Size middle = (node.begin + node.end) / 2;
            passes[node.pass].ends[node.begin] = middle, passes[node.pass].ends[middle] = node.end;
            const Node half = told[next++] ? Node{node.pass, node.begin, middle} : Node{node.pass, middle, node.end};
            if (half.end - half.begin > 1) kept.push_back(half);
            else wrong.emplace_back(half.pass, drawn.index[half.pass][half.begin]);
        }
        work = kept;
        bool possible = true;
        for (const auto& [at_work, index] : wrong) {
            bits[index] ^= corrects;
            for (Size pass = 0; pass < passes.size(); ++pass) {
                if (pass == at_work) continue;
                const Size begin = passes[pass].node_at(drawn.position[pass][index]);
                passes[pass].turn(begin);
                possible = possible && !(passes[pass].odd[begin] && passes[pass].ends[begin] == begin + 1);
            }
        }
        return possible;
    }
};

struct Plain {
    std::vector<PlainFrame> frames;
    bool corrects;

    std::vector<bool> ask() {
        std::vector<bool> parities;
        for (PlainFrame& frame : frames) {
            frame.decide();
            for (const Node& node : frame.asked()) parities.push_back(frame.parity_of(node));
        }
        return parities;
    }
    bool learn(const std::vector<bool>& errors) {
        Size next = 0;
        for (PlainFrame& frame : frames)
            if (!frame.learn(errors, next, corrects)) return false;
        require(next == errors.size());
        return true;
    }
};

// Whether the packed parities are these, and zeros behind them up to the octet.
bool same(const Bits& packed, const std::vector<bool>& parities) {
    if (packed.size() != (parities.size() + 7) / 8) return false;
    for (Size i = 0; i < 8 * packed.size(); ++i)
        if ((packed[i / 8] >> i % 8 & 1) != (i < parities.size() && parities[i])) return false;
    return true;
}

bool same_bits(Party& party, const Plain& plain) {
    for (Size f = 0; f < plain.frames.size(); ++f)
        for (Size x = 0; x < plain.frames[f].bits.size(); ++x)
            if (test(party.frame(f), x) != plain.frames[f].bits[x]) return false;
    return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Octets octets(data, size);
    const Drawn drawn(octets);
    const bool swapped = octets.take<std::uint8_t>() & 1;
    Party alice{drawn, swapped, false}, bob{drawn, !swapped, true};
    Plain plain_alice{{}, false}, plain_bob{{}, true};
    const Size most = octets.take<std::uint8_t>();
    std::vector<Size> n_errors(drawn.n_frames);
    for (Size f = 0; f < drawn.n_frames; ++f) {
        const KeyedStream stream{{f, octets.take<std::uint8_t>()}, {}};
        for (Size word = 0; word < drawn.n_words; ++word)
            alice.frame(f)[word] = bob.frame(f)[word] = stream.block(word)[0];
        for (Size error = 0; error < most && octets.left() > 0; ++error)
            flip(bob.frame(f), octets.take<std::uint16_t>() % drawn.n_bits());
        std::array<Bits, 2> bits{Bits(drawn.n_bits()), Bits(drawn.n_bits())};
        for (Size x = 0; x < drawn.n_bits(); ++x) {
            bits[0][x] = test(alice.frame(f), x), bits[1][x] = test(bob.frame(f), x);
            n_errors[f] += bits[0][x] != bits[1][x];
        }
        plain_alice.frames.push_back({drawn, bits[0], {}, {}});
        plain_bob.frames.push_back({drawn, bits[1], {}, {}});
    }
    const bool lies = octets.left() > 0;

    while (true) {
        const Bits told = alice.ask(), own = bob.ask();
        const std::vector<bool> plain_told = plain_alice.ask(), plain_own = plain_bob.ask();
        require(same(told, plain_told) && same(own, plain_own));
        require(alice.n_parities == plain_told.size() && bob.n_parities == plain_own.size());
        if (plain_told.empty()) break;
        Bits errors(told.size());
        for (Size i = 0; i < errors.size(); ++i) errors[i] = told[i] ^ own[i] ^ octets.take<std::uint8_t>();
        if (const Size rest = plain_told.size() % 8) errors.back() &= static_cast<std::uint8_t>((1u << rest) - 1);
        std::vector<bool> plain_errors;
        for (Size i = 0; i < plain_told.size(); ++i) plain_errors.push_back(errors[i / 8] >> i % 8 & 1);
        const bool possible = plain_alice.learn(plain_errors);
        require(plain_bob.learn(plain_errors) == possible && alice.learn(errors) == possible);
        require(bob.learn(errors) == possible && (possible || lies));
        if (!possible) return 0;
    }
    require(same_bits(alice, plain_alice) && same_bits(bob, plain_bob));
    if (lies) return 0;
    for (Size f = 0; f < drawn.n_frames; ++f) {
        const PlainFrame &ours = plain_alice.frames[f], &theirs = plain_bob.frames[f];
        require(n_errors[f] > 1 || ours.bits == theirs.bits);
        for (Size pass = 0; pass < drawn.levels.size(); ++pass)
            for (Size begin = 0, end = 0; begin < drawn.n_bits(); begin = end) {
                end = ours.passes[pass].ends[begin];
                require(ours.parity_of({pass, begin, end}) == theirs.parity_of({pass, begin, end}));
            }
    }
    return 0;
}
