// The LDPC kernels in integers for Python.
#include "ldpc_binding.hpp"

namespace haris {

namespace {

using namespace ldpc_binding;

void syndrome_of(Row<std::int32_t> start, Row<std::int32_t> column, Row<std::int32_t> shift, std::size_t lifting,
                 Row<std::uint8_t> bits, State<std::uint8_t> out) {
    const QuasiCyclic code = code_of(start, column, shift, bits.size(), lifting);
    require(out.size() == code.rows * lifting, "ldpc: the syndrome is one bit a check");
    nb::gil_scoped_release released;
    ldpc_syndrome(code, bits.data(), out.data());
}

int decode(Row<std::int32_t> start, Row<std::int32_t> column, Row<std::int32_t> shift, std::size_t lifting,
           Row<std::uint8_t> syndrome, Row<std::uint16_t> weight, Row<std::int16_t> level,
           State<std::int16_t> posterior, State<std::int8_t> messages, int iterations, const std::string& path) {
    const QuasiCyclic code = code_of(start, column, shift, posterior.size(), lifting);
    require(syndrome.size() == code.rows * lifting, "ldpc: the syndrome is one bit a check");
    require(messages.size() == column.size() * lifting, "ldpc: a message for each edge and check");
    require(weight.size() == 32 && level.size() == 64, "ldpc: tables of 32 and 64");
    for (std::size_t i = 0; i < level.size(); ++i)
        require(level.data()[i] >= 0 && level.data()[i] <= INT8_MAX, "ldpc: levels are 0 to 127");
    require(iterations >= 0, "ldpc: iterations are not negative");
    const LdpcPath chosen = path_named(path);
    require_none(ldpc_overflow(code, posterior.data()));
    nb::gil_scoped_release released;
    return ldpc_decode(code, syndrome.data(), weight.data(), level.data(), posterior.data(), messages.data(),
                       iterations, chosen);
}

}  // namespace

void bind_ldpc(nanobind::module_& module) {
    module.def("ldpc_paths", &ldpc_binding::ldpc_paths);
    module.def("ldpc_syndrome", &syndrome_of);
    module.def("ldpc_decode", &decode);
}

}  // namespace haris
