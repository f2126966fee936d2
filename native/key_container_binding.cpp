// Key containers and key IDs for Python: texts of any object with a buffer.
#include "key_container.hpp"

#include <cstring>

#include <nanobind/nanobind.h>

namespace nb = nanobind;

namespace haris {
namespace {

// Octets of any object with a buffer, for as long as this lives.
class Octets {
  public:
    explicit Octets(nb::handle object, bool writable = false) {
        if (PyObject_GetBuffer(object.ptr(), &view_, writable ? PyBUF_WRITABLE : PyBUF_SIMPLE)) nb::raise_python_error();
    }
    ~Octets() { PyBuffer_Release(&view_); }
    Octets(const Octets&) = delete;
    Octets& operator=(const Octets&) = delete;

    std::uint8_t* data() const { return static_cast<std::uint8_t*>(view_.buf); }
    std::size_t size() const { return static_cast<std::size_t>(view_.len); }
    std::string_view text() const { return {static_cast<const char*>(view_.buf), size()}; }

  private:
    Py_buffer view_;
};

nb::object new_bytearray(std::size_t size) {
    PyObject* made = PyByteArray_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(size));
    if (made == nullptr) nb::raise_python_error();
    return nb::steal(made);
}

std::uint8_t* octets_of(nb::handle bytearray) {
    return reinterpret_cast<std::uint8_t*>(PyByteArray_AS_STRING(bytearray.ptr()));
}

nb::bytes as_bytes(std::string_view text) { return nb::bytes(text.data(), text.size()); }

nb::bytes as_bytes(const std::vector<std::uint8_t>& octets) { return nb::bytes(octets.data(), octets.size()); }

nb::object bound_write_container(nb::handle key_ids, nb::handle secrets, nb::handle key_extension,
                                 nb::handle container_extension) {
    const Octets ids(key_ids), octets(secrets), each(key_extension), all(container_extension);
    const std::size_t n_keys = ids.size() / kKeyIdOctets;
    if (ids.size() % kKeyIdOctets || n_keys == 0 || octets.size() == 0 || octets.size() % n_keys)
        throw nb::value_error("write_container: key_ids and secrets do not fit");
    const std::size_t key_octets = octets.size() / n_keys;
    nb::object out = new_bytearray(container_size(n_keys, key_octets, each.text(), all.text()));
    write_container(ids.data(), octets.data(), n_keys, key_octets, each.text(), all.text(),
                    reinterpret_cast<char*>(octets_of(out)));
    return out;
}

nb::object bound_read_container(nb::handle body) {
    const Octets text(body);
    Container container;
    if (!read_container(text.text(), container)) return nb::none();
    nb::object secrets = new_bytearray(container.keys.size() * container.key_octets);
    std::uint8_t* out = octets_of(secrets);
    bool right = true;
    for (std::string_view key : container.keys) {
        right &= decode_base64(key, out, container.key_octets);
        out += container.key_octets;
    }
    if (!right) {
        std::memset(octets_of(secrets), 0, container.keys.size() * container.key_octets);
        return nb::none();
    }
    return nb::make_tuple(as_bytes(container.key_ids), secrets, as_bytes(container.key_extension),
                          as_bytes(container.container_extension));
}

nb::object bound_read_key_ids(nb::handle body) {
    const Octets text(body);
    std::vector<std::uint8_t> key_ids;
    if (!read_key_ids(text.text(), key_ids)) return nb::none();
    return as_bytes(key_ids);
}

nb::object bound_write_key_ids(nb::handle key_ids) {
    const Octets ids(key_ids);
    const std::size_t n_keys = ids.size() / kKeyIdOctets;
    if (ids.size() % kKeyIdOctets) throw nb::value_error("write_key_ids: a key_ID has 16 octets");
    PyObject* made = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(key_ids_size(n_keys)));
    if (made == nullptr) nb::raise_python_error();
    write_key_ids(ids.data(), n_keys, PyBytes_AS_STRING(made));
    return nb::steal(made);
}

}  // namespace

void bind_key_container(nb::module_& module) {
    module.def("write_container", &bound_write_container, nb::arg("key_ids"), nb::arg("secrets"),
               nb::arg("key_extension"), nb::arg("container_extension"));
    module.def("read_container", &bound_read_container, nb::arg("body"));
    module.def("read_key_ids", &bound_read_key_ids, nb::arg("body"));
    module.def("write_key_ids", &bound_write_key_ids, nb::arg("key_ids"));
}

}  // namespace haris
