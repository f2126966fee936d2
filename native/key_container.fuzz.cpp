// Feeds the readers of key containers and of key IDs with any text, writes batches of keys, and stops where what was
// written does not read back, or a text or base64 is not what a plain loop makes of it:
//
//     clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
//         native/key_container.fuzz.cpp native/key_container.cpp -o key_container_fuzz
//     ./key_container_fuzz -len_control=0 -max_len=2048 -max_total_time=600
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "fuzz_octets.hpp"
#include "key_container.hpp"

namespace {

using namespace haris;
using Bytes = std::vector<std::uint8_t>;

void require(bool holds) {
    if (!holds) std::abort();
}

// A heap block of just that size, so that a sanitizer guards its end.
std::vector<char> alone(const std::string& text) { return {text.begin(), text.end()}; }
std::string_view view(const std::vector<char>& text) { return {text.data(), text.size()}; }

// ---- the plain loops

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string plain_base64(const std::uint8_t* octets, std::size_t n) {
    std::string text;
    for (std::size_t at = 0; at < 8 * n; at += 6) {
        unsigned six = 0;
        for (std::size_t i = at; i < at + 6; ++i) six = six << 1 | (i < 8 * n ? octets[i / 8] >> (7 - i % 8) & 1u : 0);
        text += kAlphabet[six];
    }
    while (text.size() % 4) text += '=';
    return text;
}

std::string plain_uuid(const std::uint8_t* id) {
    std::string text;
    for (std::size_t i = 0; i < kKeyIdOctets; ++i) {
        char digits[3];
        std::snprintf(digits, sizeof digits, "%02x", unsigned{id[i]});
        text += digits;
        if (i == 3 || i == 5 || i == 7 || i == 9) text += '-';
    }
    return text;
}

struct Batch {
    Bytes key_ids, secrets;
    std::size_t key_octets;
    std::string key_extension, container_extension;

    std::size_t n_keys() const { return key_ids.size() / kKeyIdOctets; }
};

std::string plain_container(const Batch& batch) {
    std::string text = "{\"keys\":[";
    for (std::size_t i = 0; i < batch.n_keys(); ++i) {
        text += std::string(i ? "," : "") + "{\"key_ID\":\"" + plain_uuid(&batch.key_ids[kKeyIdOctets * i]);
        text += "\",\"key\":\"" + plain_base64(&batch.secrets[batch.key_octets * i], batch.key_octets) + "\"";
        if (!batch.key_extension.empty()) text += ",\"key_extension\":" + batch.key_extension;
        text += "}";
    }
    text += "]";
    if (!batch.container_extension.empty()) text += ",\"key_container_extension\":" + batch.container_extension;
    return text + "}";
}

std::string plain_key_ids(const Bytes& key_ids) {
    std::string text = "{\"key_IDs\":[";
    for (std::size_t i = 0; i < key_ids.size(); i += kKeyIdOctets)
        text += std::string(i ? "," : "") + "{\"key_ID\":\"" + plain_uuid(&key_ids[i]) + "\"}";
    return text + "]}";
}

// Octets outside of strings that are no blanks, and all within strings, in lower case; sorted, since members may stand in
// any order. What a reader takes has just those of what it read, written anew.
std::string signature(std::string_view text) {
    std::string left;
    bool inside = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '"') inside = !inside;
        if (inside && c == '\\' && i + 1 < text.size()) left += c, left += text[++i];
        else if (inside || std::string_view(" \t\r\n").find(c) == std::string_view::npos)
            left += c >= 'A' && c <= 'F' ? static_cast<char>(c | 0x20) : c;
    }
    std::sort(left.begin(), left.end());
    return left;
}

bool names_twice(const Bytes& key_ids) {
    std::vector<Bytes> each;
    for (auto at = key_ids.begin(); at != key_ids.end(); at += kKeyIdOctets) each.emplace_back(at, at + kKeyIdOctets);
    std::sort(each.begin(), each.end());
    return std::adjacent_find(each.begin(), each.end()) != each.end();
}

// ---- what is drawn

std::string extension(Octets& octets) {
    constexpr std::array<std::string_view, 6> kTexts{
        "", "", "{}", "{\"a\":[1,{\"}\":2}]}", "{\"\\\"]\\\\\":{}}", "{ \"x\" : \"{\" }"};
    return std::string(kTexts[octets.take<std::uint8_t>() % kTexts.size()]);
}

Batch batch_of(Octets& octets) {
    Batch batch{{}, {}, 1u + octets.take<std::uint8_t>() % 70, extension(octets), extension(octets)};
    const std::size_t n_keys = 1 + octets.take<std::uint8_t>() % 6;
    for (std::size_t i = 0; i < n_keys; ++i) {
        const Bytes id = octets.row<std::uint8_t>(kKeyIdOctets), secret = octets.row<std::uint8_t>(batch.key_octets);
        batch.key_ids.insert(batch.key_ids.end(), id.begin(), id.end());
        batch.secrets.insert(batch.secrets.end(), secret.begin(), secret.end());
    }
    batch.key_ids.shrink_to_fit(), batch.secrets.shrink_to_fit();
    return batch;
}

// Some octets changed, left out or put in.
std::string mutated(std::string text, Octets& octets) {
    for (std::size_t n = octets.take<std::uint8_t>() % 4; n > 0; --n) {
        const unsigned kind = octets.take<std::uint8_t>();
        const std::size_t at = octets.take<std::uint16_t>() % text.size(), run = 1 + octets.take<std::uint8_t>() % 50;
        if (kind % 4 == 0) text[at] = octets.take<char>();
        else if (kind % 4 == 1) text.insert(at, 1, octets.take<char>());
        else if (kind % 4 == 2) text.insert(at, text.substr(octets.take<std::uint16_t>() % text.size(), run));
        else text.erase(at, run);
        if (text.empty()) break;
    }
    return text;
}

// A container whose keys have members of any number and order, or a list of key IDs.
std::string assembled(Octets& octets) {
    constexpr std::array<std::string_view, 10> kMembers{
        "\"key_ID\":\"550e8400-e29b-41d4-a716-446655440000\"", "\"key_ID\" : \"01234567-89ab-cdef-FEDC-BA9876543210\"",
        "\"key_ID\":\"\"", "\"key\":\"QUJD\"", "\"key\":\"AAA=\"", "\"key\":\"AAAAAA==\"", "\"key\":\"\"",
        "\"key_extension\":{}", "\"key_extension\":{\"a\":[]}", "\"x\":{}"};
    const bool is_list = octets.take<std::uint8_t>() % 4 == 0;
    std::string text = is_list ? "{\"key_IDs\":[" : "{\"keys\":[";
    for (std::size_t n = octets.take<std::uint8_t>() % 4, key = 0; key < n; ++key) {
        text += key ? ",{" : "{";
        for (std::size_t m = octets.take<std::uint8_t>() % 5, member = 0; member < m; ++member)
            (text += member ? "," : "") += kMembers[octets.take<std::uint8_t>() % kMembers.size()];
        text += "}";
    }
    text += "]";
    for (std::size_t n = octets.take<std::uint8_t>() % 3; n > 0; --n) {
        text += octets.take<std::uint8_t>() % 4 ? ",\"key_container_extension\":" : ",\"keys\":";
        text += extension(octets);
    }
    return mutated(text + "}", octets);
}

// ---- what must hold

// A container that is taken: its keys, written anew, say what the text says. Returns whether it is taken.
bool reading(const std::string& text, Batch& batch) {
    const std::vector<char> body = alone(text);
    Container container;
    if (!read_container(view(body), container)) return false;
    require(!container.keys.empty() && container.key_octets > 0);
    require(container.key_ids.size() == kKeyIdOctets * container.keys.size());
    batch = {container.key_ids, {}, container.key_octets, std::string(container.key_extension),
             std::string(container.container_extension)};
    for (const std::string_view key : container.keys) {
        require(key.size() == (container.key_octets + 2) / 3 * 4);
        Bytes secret(container.key_octets);
        if (!decode_base64(key, secret.data(), secret.size())) return false;
        batch.secrets.insert(batch.secrets.end(), secret.begin(), secret.end());
    }
    require(signature(view(body)) == signature(plain_container(batch)));
    return true;
}

void writing(Octets& octets) {
    const Batch batch = batch_of(octets);
    const std::string wanted = plain_container(batch);
    std::vector<char> text(
        container_size(batch.n_keys(), batch.key_octets, batch.key_extension, batch.container_extension));
    write_container(batch.key_ids.data(), batch.secrets.data(), batch.n_keys(), batch.key_octets, batch.key_extension,
                    batch.container_extension, text.data());
    require(view(text) == wanted);
    Batch again;
    require(reading(wanted, again));
    require(again.key_ids == batch.key_ids && again.secrets == batch.secrets && again.key_octets == batch.key_octets);
    require(again.key_extension == batch.key_extension && again.container_extension == batch.container_extension);
    reading(mutated(wanted, octets), again);
}

void reading_key_ids(const std::string& text) {
    const std::vector<char> body = alone(text);
    Bytes key_ids;
    if (!read_key_ids(view(body), key_ids)) return;
    require(!key_ids.empty() && key_ids.size() % kKeyIdOctets == 0 && !names_twice(key_ids));
    require(signature(view(body)) == signature(plain_key_ids(key_ids)));
}

void naming(Octets& octets) {
    const Bytes key_ids = octets.row<std::uint8_t>(kKeyIdOctets * (octets.take<std::uint8_t>() % 20));
    const std::string wanted = plain_key_ids(key_ids);
    const std::size_t n_keys = key_ids.size() / kKeyIdOctets;
    std::vector<char> text(key_ids_size(n_keys));
    write_key_ids(key_ids.data(), n_keys, text.data());
    require(view(text) == wanted);
    Bytes again;
    const bool is_taken = read_key_ids(view(text), again);
    require(is_taken == (n_keys > 0 && !names_twice(key_ids)) && (!is_taken || again == key_ids));
    reading_key_ids(mutated(wanted, octets));
}

void assembling(Octets& octets) {
    const std::string text = assembled(octets);
    Batch batch;
    reading(text, batch);
    reading_key_ids(text);
}

// Base64 is taken when it is what the octets it stands for are coded as.
void decoding(Octets& octets) {
    const std::size_t n = octets.take<std::uint8_t>();
    const unsigned kind = octets.take<std::uint8_t>() % 4;
    std::string text;
    if (kind == 0) {  // any octets
        while (octets.left() > 0) text += octets.take<char>();
    } else if (kind == 1) {  // any of the alphabet, and a padding that fits
        for (std::size_t i = 0; i < (8 * n + 5) / 6; ++i) text += kAlphabet[octets.take<std::uint8_t>() % 64];
        while (text.size() % 4) text += '=';
    } else {
        const Bytes secret = octets.row<std::uint8_t>(n);
        text = plain_base64(secret.data(), n);
        if (!text.empty()) text = mutated(text, octets);
    }
    const std::vector<char> body = alone(text);
    Bytes out(n), plain;
    const bool is_taken = decode_base64(view(body), out.data(), n);
    unsigned word = 0, filled = 0;
    for (const char c : text) {
        word = word << 6 | (static_cast<unsigned>(kAlphabet.find(c)) & 63);
        filled += 6;
        if (filled >= 8) plain.push_back(static_cast<std::uint8_t>(word >> (filled -= 8)));
    }
    plain.resize(std::min(plain.size(), n));
    require(is_taken == (n > 0 && plain.size() == n && plain_base64(plain.data(), n) == text));
    require(!is_taken || out == plain);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::array kKinds{writing, naming, assembling, decoding};
    Octets octets(data, size);
    kKinds[octets.take<std::uint8_t>() % kKinds.size()](octets);
    return 0;
}
