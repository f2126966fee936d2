#include "target.hpp"

#include "block_toeplitz_path.hpp"
#include "lanes_portable.hpp"

namespace haris {
namespace {

struct PortablePairs {
    using Vector = PortableLanes::Wide;
    static constexpr std::size_t kPairs = 1;
    static Vector zero() { return {0, 0}; }
    static Vector load(const std::uint64_t* from) { return {from[0], from[1]}; }
    static void store(std::uint64_t* to, Vector x) { to[0] = x.low, to[1] = x.high; }
    static Vector broadcast(std::uint64_t x) { return {x, x}; }
    static Vector add(Vector a, Vector b) { return {a.low ^ b.low, a.high ^ b.high}; }
    static Vector add(Vector a, Vector b, Vector c) { return add(a, add(b, c)); }
    static Vector low(Vector x, Vector y) { return PortableLanes::clmul({x.low, 0}, {0, y.low}); }
    static Vector high(Vector x, Vector y) { return PortableLanes::clmul({x.high, 0}, {0, y.high}); }
    static void finish(const Vector* even, const Vector* odd, Vector last, std::uint64_t* out) {
        for (std::size_t v = 0; v < 4; ++v) {
            out[2 * v] = odd[v].low ^ even[v].high;
            out[2 * v + 1] = (v < 3 ? even[v + 1] : last).low ^ odd[v].high;
        }
    }
};

}  // namespace

void block_toeplitz_portable(const std::uint64_t* block, const std::uint64_t* leaves, const BlockToeplitzShape& shape,
                             std::uint64_t* scratch, std::uint64_t* out) {
    block_toeplitz_hash<PortablePairs>(block, leaves, shape, scratch, out);
}

}  // namespace haris
