// Lets LDPC4QKD (github.com/XQP-Munich/LDPC4QKD, GPL-3.0, not part of haris) decode one frame, for `haris bench one_way`:
//
//     g++ -std=c++20 -O3 -march=native -I LDPC4QKD/src tools/ldpc4qkd_peer.cpp -o ldpc4qkd_peer
//     HARIS_LDPC4QKD=./ldpc4qkd_peer haris bench one_way
//
// Reads a file: n, m, edges, iterations (uint32), the error rate (double), the matrix by columns (n + 1 and `edges`
// uint32), then Bob's n bits, Alice's n bits and her syndrome of m bits, one octet each. Prints seconds, and 0 or 1.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <vector>

#include "LDPC4QKD/rate_adaptive_code.hpp"

template <typename T>
std::vector<T> read(std::ifstream& file, std::size_t count) {
    std::vector<T> items(count);
    file.read(reinterpret_cast<char*>(items.data()), static_cast<std::streamsize>(count * sizeof(T)));
    return items;
}

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    std::ifstream file(argv[1], std::ios::binary);
    const auto numbers = read<std::uint32_t>(file, 4);
    const double qber = read<double>(file, 1)[0];
    const auto columns = read<std::uint32_t>(file, numbers[0] + 1), rows = read<std::uint32_t>(file, numbers[2]);
    const auto bob = read<std::uint8_t>(file, numbers[0]), alice = read<std::uint8_t>(file, numbers[0]);
    const auto syndrome = read<std::uint8_t>(file, numbers[1]);
    if (!file) return 2;
    const LDPC4QKD::RateAdaptiveCode<std::uint32_t> code(columns, rows);
    std::vector<std::uint8_t> corrected;
    const auto began = std::chrono::steady_clock::now();
    code.decode_at_current_rate(LDPC4QKD::llrs_bsc(bob, qber), syndrome, corrected, numbers[3]);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - began;
    std::printf("%.6f %d\n", seconds.count(), corrected == alice ? 0 : 1);
}
