// What fuzzers share: numbers from random octets, and zeros behind them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace haris {

class Octets {
  public:
    Octets(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}
    template <typename T>
    T take() {
        T value{};
        const std::size_t size = std::min(left_, sizeof value);
        std::memcpy(&value, data_, size);
        data_ += size;
        left_ -= size;
        return value;
    }
    template <typename T>
    std::vector<T> row(std::size_t count) {
        std::vector<T> items(count);
        for (T& item : items) item = take<T>();
        return items;
    }
    std::size_t left() const { return left_; }

  private:
    const std::uint8_t* data_;
    std::size_t left_;
};

}  // namespace haris
