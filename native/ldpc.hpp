// Syndromes of quasi-cyclic LDPC codes, and their decoding by layered belief propagation in integers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nanobind {
class module_;
}

namespace haris {

// A binary matrix of circulants. Edge e of row r, start[r] <= e < start[r + 1], is the lifting x lifting identity whose
// columns are turned by shift[e], at block column column[e]: check z of the row holds bit (z + shift[e]) mod lifting.
// A row holds a column at most once, and 2 to 256 of them; lifting is a multiple of 32.
struct QuasiCyclic {
    const std::int32_t* start;
    const std::int32_t* column;
    const std::int32_t* shift;
    std::size_t rows, columns, lifting;
};

enum class LdpcPath { portable, avx2, avx512 };

// What is wrong with a code of that many edges, or nullptr. start has rows + 1 entries, column and shift one an edge.
const char* ldpc_fault(const QuasiCyclic& code, std::size_t edges);

// What is wrong with posterior[columns * lifting], or nullptr.
const char* ldpc_overflow(const QuasiCyclic& code, const std::int16_t* posterior);

// out[r * lifting + z]: parity of check z of row r over bits[column * lifting + position], octets 0 or 1.
void ldpc_syndrome(const QuasiCyclic& code, const std::uint8_t* bits, std::uint8_t* out);

// Messages are log-likelihood ratios in steps of 1/4. weight[32]: -ln tanh(|v| / 2) by the class of |v|, scaled; level[64]:
// its inverse by the class of the sum. posterior[columns * lifting], messages[edges * lifting] are the decoder's state:
// it goes on from there. Needs a code and a posterior without fault, and levels from 0 to 127. Returns the iterations that it took until every check held, or -1 after `iterations` without.
int ldpc_decode(const QuasiCyclic& code, const std::uint8_t* syndrome, const std::uint16_t* weight,
                const std::int16_t* level, std::int16_t* posterior, std::int8_t* messages, int iterations,
                LdpcPath path);

void bind_ldpc(nanobind::module_& module);

}  // namespace haris
