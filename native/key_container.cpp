#include "key_container.hpp"

#include <array>
#include <bit>
#include <cstring>

namespace haris {
namespace {

constexpr std::size_t kIdText = 36;
constexpr std::string_view kKeysOpen = "{\"keys\":[", kKeyOpen = "{\"key_ID\":\"", kKeyMiddle = "\",\"key\":\"",
                           kKeyExtension = "\",\"key_extension\":", kContainerExtension = ",\"key_container_extension\":",
                           kIdsOpen = "{\"key_IDs\":[", kIdOpen = "{\"key_ID\":\"", kIdClose = "\"}", kClose = "]}";

char* put(char* out, std::string_view text) {
    std::memcpy(out, text.data(), text.size());
    return out + text.size();
}

// ---- UUIDs, which are public

char* put_id(char* out, const std::uint8_t* id) {
    constexpr char digits[] = "0123456789abcdef";
    for (std::size_t i = 0; i < kKeyIdOctets; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *out++ = '-';
        *out++ = digits[id[i] >> 4];
        *out++ = digits[id[i] & 15];
    }
    return out;
}

// Values of hexadecimal digits; 255 for what is none.
constexpr std::array<std::uint8_t, 256> kNibbles = [] {
    std::array<std::uint8_t, 256> values{};
    for (int c = 0; c < 256; ++c) {
        const int letter = c | 0x20;
        values[static_cast<std::size_t>(c)] = static_cast<std::uint8_t>(
            c >= '0' && c <= '9' ? c - '0' : letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : 255);
    }
    return values;
}();

bool get_id(std::string_view text, std::uint8_t* id) {
    if (text.size() != kIdText || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-') return false;
    constexpr std::uint8_t places[kKeyIdOctets] = {0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};
    unsigned wrong = 0;
    for (std::size_t i = 0; i < kKeyIdOctets; ++i) {
        const unsigned high = kNibbles[static_cast<std::uint8_t>(text[places[i]])];
        const unsigned low = kNibbles[static_cast<std::uint8_t>(text[places[i] + 1u])];
        wrong |= high | low;
        id[i] = static_cast<std::uint8_t>(high << 4 | low);
    }
    return wrong < 16;
}

// Whether a key_ID stands there twice: a table of places, open addressing, at most half full.
bool has_twice(const std::vector<std::uint8_t>& key_ids) {
    const std::size_t n = key_ids.size() / kKeyIdOctets, size = std::bit_ceil(2 * n + 1);
    std::vector<std::uint32_t> table(size, 0);
    for (std::size_t i = 0; i < n; ++i) {
        const std::uint8_t* id = key_ids.data() + kKeyIdOctets * i;
        std::uint64_t words[2];
        std::memcpy(words, id, kKeyIdOctets);
        std::size_t at = ((words[0] ^ words[1]) * 0x9E3779B97F4A7C15u) >> 32 & (size - 1);
        for (; table[at] != 0; at = (at + 1) & (size - 1))
            if (std::memcmp(key_ids.data() + kKeyIdOctets * (table[at] - 1), id, kKeyIdOctets) == 0) return true;
        table[at] = static_cast<std::uint32_t>(i + 1);
    }
    return false;
}

// ---- base64 (RFC 4648, section 4) of secrets: arithmetic only, in loops that compilers vectorise

std::size_t base64_size(std::size_t n) { return (n + 2) / 3 * 4; }

// The character of six bits: steps of the alphabet at 26, 52, 62 and 63, each taken by the sign of a difference.
char character(int x) {
    return static_cast<char>(x + 'A' + (((25 - x) >> 8) & 6) - (((51 - x) >> 8) & 75) - (((61 - x) >> 8) & 15) +
                             (((62 - x) >> 8) & 3));
}

// All ones when low <= c <= high, else 0.
int within(int c, int low, int high) { return ~((c - low) >> 8 | (high - c) >> 8); }

// Six bits of a character; 64 or more for one that is not of the alphabet.
int six_bits(int c) {
    const int upper = within(c, 'A', 'Z'), lower = within(c, 'a', 'z'), digit = within(c, '0', '9');
    const int plus = within(c, '+', '+'), slash = within(c, '/', '/');
    return (upper & (c - 'A')) | (lower & (c - 'a' + 26)) | (digit & (c - '0' + 52)) | (plus & 62) | (slash & 63) |
           (~(upper | lower | digit | plus | slash) & 64);
}

char* put_base64(char* out, const std::uint8_t* octets, std::size_t n) {
    const std::size_t whole = n / 3;
    for (std::size_t i = 0; i < whole; ++i) {
        const int a = octets[3 * i], b = octets[3 * i + 1], c = octets[3 * i + 2];
        out[4 * i] = character(a >> 2);
        out[4 * i + 1] = character((a & 3) << 4 | b >> 4);
        out[4 * i + 2] = character((b & 15) << 2 | c >> 6);
        out[4 * i + 3] = character(c & 63);
    }
    out += 4 * whole;
    if (const std::size_t rest = n - 3 * whole; rest > 0) {
        const int a = octets[3 * whole], b = rest == 2 ? octets[3 * whole + 1] : 0;
        *out++ = character(a >> 2);
        *out++ = character((a & 3) << 4 | b >> 4);
        *out++ = rest == 2 ? character((b & 15) << 2) : '=';
        *out++ = '=';
    }
    return out;
}

// Octets that base64 text stands for, by its length and its padding alone; 0 for no whole groups.
std::size_t decoded_size(std::string_view text) {
    if (text.empty() || text.size() % 4) return 0;
    std::size_t n = text.size() / 4 * 3;
    if (text.back() == '=') n -= text[text.size() - 2] == '=' ? 2 : 1;
    return n;
}

// ---- a reader of JSON that knows what it expects

class Reader {
  public:
    explicit Reader(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

    bool take(char c) {
        skip_space();
        if (at_ == end_ || *at_ != c) return false;
        ++at_;
        return true;
    }
    bool at_end() {
        skip_space();
        return at_ == end_;
    }
    // A string of printable ASCII without escapes.
    bool plain_string(std::string_view& text) {
        if (!take('"')) return false;
        const char* begin = at_;
        while (at_ != end_ && *at_ >= 0x20 && *at_ < 0x7F && *at_ != '"' && *at_ != '\\') ++at_;
        if (at_ == end_ || *at_ != '"') return false;
        text = {begin, static_cast<std::size_t>(at_ - begin)};
        ++at_;
        return true;
    }
    // The text of an object, by its brackets alone: whoever uses it decodes it, and finds what is wrong inside.
    bool object(std::string_view& text) {
        skip_space();
        const char* begin = at_;
        if (at_ == end_ || *at_ != '{') return false;
        for (int depth = 0; at_ != end_;) {
            const char c = *at_++;
            if (c == '"') {
                if (!skip_string()) return false;
            } else if (c == '{' || c == '[') {
                ++depth;
            } else if ((c == '}' || c == ']') && --depth == 0) {
                text = {begin, static_cast<std::size_t>(at_ - begin)};
                return true;
            }
        }
        return false;
    }

  private:
    void skip_space() {
        while (at_ != end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) ++at_;
    }
    bool skip_string() {
        while (at_ != end_) {
            const char c = *at_++;
            if (c == '"') return true;
            if (c == '\\' && at_ != end_) ++at_;
        }
        return false;
    }
    const char* at_;
    const char* end_;
};

bool read_key(Reader& reader, Container& container, bool first) {
    std::string_view name, id, key, extension;
    if (!reader.take('{')) return false;
    do {
        if (!reader.plain_string(name) || !reader.take(':')) return false;
        std::string_view* const value = name == "key_ID"          ? &id
                                        : name == "key"           ? &key
                                        : name == "key_extension" ? &extension
                                                                  : nullptr;
        if (value == nullptr || value->data() != nullptr) return false;  // an empty one was named, too
        if (!(value == &extension ? reader.object(*value) : reader.plain_string(*value))) return false;
    } while (reader.take(','));
    if (!reader.take('}')) return false;
    const std::size_t size = decoded_size(key);
    if (size == 0 || (!first && (size != container.key_octets || extension != container.key_extension))) return false;
    container.key_octets = size;
    container.key_extension = extension;
    container.keys.push_back(key);
    container.key_ids.resize(container.key_ids.size() + kKeyIdOctets);
    return get_id(id, container.key_ids.data() + container.key_ids.size() - kKeyIdOctets);
}

bool read_keys(Reader& reader, Container& container) {
    if (!reader.take('[')) return false;
    do {
        if (!read_key(reader, container, container.keys.empty())) return false;
    } while (reader.take(','));
    return reader.take(']');
}

}  // namespace

std::size_t container_size(std::size_t n_keys, std::size_t key_octets, std::string_view key_extension,
                           std::string_view container_extension) {
    std::size_t key = kKeyOpen.size() + kIdText + kKeyMiddle.size() + base64_size(key_octets);
    key += key_extension.empty() ? kIdClose.size() : kKeyExtension.size() + key_extension.size() + 1;
    std::size_t size = kKeysOpen.size() + n_keys * key + (n_keys > 0 ? n_keys - 1 : 0) + kClose.size();
    if (!container_extension.empty()) size += kContainerExtension.size() + container_extension.size();
    return size;
}

void write_container(const std::uint8_t* key_ids, const std::uint8_t* secrets, std::size_t n_keys,
                     std::size_t key_octets, std::string_view key_extension, std::string_view container_extension,
                     char* out) {
    out = put(out, kKeysOpen);
    for (std::size_t i = 0; i < n_keys; ++i) {
        if (i > 0) *out++ = ',';
        out = put_id(put(out, kKeyOpen), key_ids + kKeyIdOctets * i);
        out = put_base64(put(out, kKeyMiddle), secrets + key_octets * i, key_octets);
        if (key_extension.empty()) {
            out = put(out, kIdClose);
        } else {
            out = put(put(out, kKeyExtension), key_extension);
            *out++ = '}';
        }
    }
    *out++ = ']';
    if (!container_extension.empty()) out = put(put(out, kContainerExtension), container_extension);
    *out = '}';
}

bool read_key_ids(std::string_view body, std::vector<std::uint8_t>& key_ids) {
    Reader reader(body);
    std::string_view text;
    if (!reader.take('{') || !reader.plain_string(text) || text != "key_IDs" || !reader.take(':') ||
        !reader.take('['))
        return false;
    do {
        std::uint8_t id[kKeyIdOctets];
        if (!reader.take('{') || !reader.plain_string(text) || text != "key_ID" || !reader.take(':') ||
            !reader.plain_string(text) || !get_id(text, id) || !reader.take('}'))
            return false;
        key_ids.insert(key_ids.end(), id, id + kKeyIdOctets);
    } while (reader.take(','));
    return reader.take(']') && reader.take('}') && reader.at_end() && !has_twice(key_ids);
}

std::size_t key_ids_size(std::size_t n_keys) {
    const std::size_t each = kIdOpen.size() + kIdText + kIdClose.size();
    return kIdsOpen.size() + n_keys * each + (n_keys > 0 ? n_keys - 1 : 0) + kClose.size();
}

void write_key_ids(const std::uint8_t* key_ids, std::size_t n_keys, char* out) {
    out = put(out, kIdsOpen);
    for (std::size_t i = 0; i < n_keys; ++i) {
        if (i > 0) *out++ = ',';
        out = put(put_id(put(out, kIdOpen), key_ids + kKeyIdOctets * i), kIdClose);
    }
    put(out, kClose);
}

bool read_container(std::string_view body, Container& container) {
    Reader reader(body);
    std::string_view name;
    if (!reader.take('{')) return false;
    do {
        if (!reader.plain_string(name) || !reader.take(':')) return false;
        if (name == "keys" && container.keys.empty()) {
            if (!read_keys(reader, container)) return false;
        } else if (name == "key_container_extension" && container.container_extension.empty()) {
            if (!reader.object(container.container_extension)) return false;
        } else {
            return false;
        }
    } while (reader.take(','));
    return reader.take('}') && reader.at_end() && !container.keys.empty();
}

bool decode_base64(std::string_view text, std::uint8_t* out, std::size_t n) {
    if (n == 0 || decoded_size(text) != n) return false;
    const std::size_t whole = n / 3;
    int wrong = 0;
    for (std::size_t i = 0; i < whole; ++i) {
        const int a = six_bits(text[4 * i]), b = six_bits(text[4 * i + 1]), c = six_bits(text[4 * i + 2]),
                  d = six_bits(text[4 * i + 3]);
        wrong |= a | b | c | d;
        out[3 * i] = static_cast<std::uint8_t>(a << 2 | b >> 4);
        out[3 * i + 1] = static_cast<std::uint8_t>(b << 4 | c >> 2);
        out[3 * i + 2] = static_cast<std::uint8_t>(c << 6 | d);
    }
    if (const std::size_t rest = n - 3 * whole; rest > 0) {
        const int a = six_bits(text[4 * whole]), b = six_bits(text[4 * whole + 1]),
                  c = rest == 2 ? six_bits(text[4 * whole + 2]) : 0;
        wrong |= a | b | c | (rest == 2 ? c & 3 : b & 15) << 6;  // bits that stand for nothing shall be 0
        out[3 * whole] = static_cast<std::uint8_t>(a << 2 | b >> 4);
        if (rest == 2) out[3 * whole + 1] = static_cast<std::uint8_t>(b << 4 | c >> 2);
    }
    return (wrong & ~63) == 0;
}

}  // namespace haris
