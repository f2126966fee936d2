// JSON of ETSI GS QKD 014 V1.1.1 for many keys at once: the key container (6.3) and the key IDs (6.4).
//
// Only the plain shapes are read: what else JSON allows is left to the reader in Python, which says what is wrong.
// Keys are coded and decoded without tables or branches that depend on them, so that none shows in a cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace nanobind {
class module_;
}

namespace haris {

constexpr std::size_t kKeyIdOctets = 16;

// Octets of the container's text. key_octets: of each key. extensions: JSON text, empty when there is none.
std::size_t container_size(std::size_t n_keys, std::size_t key_octets, std::string_view key_extension,
                           std::string_view container_extension);

// Write the container to out, which has container_size octets. key_ids: 16 octets a key.
void write_container(const std::uint8_t* key_ids, const std::uint8_t* secrets, std::size_t n_keys,
                     std::size_t key_octets, std::string_view key_extension, std::string_view container_extension,
                     char* out);

// The 16-octet key_IDs of {"key_IDs":[{"key_ID":"..."}, ...]}, appended to key_ids. False for every other shape,
// for none and for the same one twice.
bool read_key_ids(std::string_view body, std::vector<std::uint8_t>& key_ids);

// Write {"key_IDs":[...]} to out, which has key_ids_size octets.
std::size_t key_ids_size(std::size_t n_keys);
void write_key_ids(const std::uint8_t* key_ids, std::size_t n_keys, char* out);

// Where things stand in a container that was read: extensions as JSON text, empty when there is none.
struct Container {
    std::vector<std::uint8_t> key_ids;
    std::vector<std::string_view> keys;  // base64, all of one length
    std::size_t key_octets = 0;
    std::string_view key_extension, container_extension;
};

// False unless every key has one size and the same text (or none) as key_extension.
bool read_container(std::string_view body, Container& container);

// Octets of base64 text into out; false when it is not canonical base64 of exactly n octets.
bool decode_base64(std::string_view text, std::uint8_t* out, std::size_t n);

void bind_key_container(nanobind::module_& module);

}  // namespace haris
