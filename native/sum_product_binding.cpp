// Sum-product decoding for Python.
#include "ldpc_binding.hpp"
#include "sum_product.hpp"

namespace haris {

namespace {

using namespace ldpc_binding;

int decode(Row<std::int32_t> start, Row<std::int32_t> column, Row<std::int32_t> shift, std::size_t lifting,
           Row<float> leaf, Row<std::uint8_t> syndrome, State<float> posterior, State<float> messages, int iterations,
           const std::string& path) {
    const QuasiCyclic code = code_of(start, column, shift, posterior.size(), lifting);
    require(leaf.size() % lifting == 0 && leaf.size() <= code.rows * lifting, "sum_product: a leaf a row, at most");
    require(syndrome.size() == code.rows * lifting, "sum_product: the syndrome is one bit a check");
    require(messages.size() == column.size() * lifting, "sum_product: a message for each edge and check");
    require(iterations >= 0, "sum_product: iterations are not negative");
    const LdpcPath chosen = path_named(path);
    nb::gil_scoped_release released;
    return sum_product_decode(code, leaf.size() / lifting, leaf.data(), syndrome.data(), posterior.data(),
                              messages.data(), iterations, chosen);
}

}  // namespace

void bind_sum_product(nanobind::module_& module) { module.def("sum_product_decode", &decode); }

}  // namespace haris
