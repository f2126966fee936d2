// One row of checks in vectors of Lanes::width bits. Included once for each instruction set, within its namespace, where
// Lanes is defined and HARIS_TARGET names the set for the compiler.
//
// A check tells each of its bits what the others say of it: sign, and magnitude phi(sum of phi(|v|) of the others) with
// phi(x) = -ln tanh(x / 2), which is its own inverse (Gallager). phi is looked up by the class of |v|. Only two sums are
// turned back: the whole one, and that without the weakest bit, which the weakest bit is told (A-min*: Jones, Valles,
// Smith, Villasenor, MILCOM 2003). Uniformly scaled min-sum is no substitute: over rows of 50 bits the exact magnitude
// is a fraction of the least one, and the fraction changes as decoding goes on.

inline HARIS_TARGET Lanes::Vector class_of(Lanes::Vector v) {
    return Lanes::min(Lanes::shift_right<1>(Lanes::abs(v)), Lanes::all(kClasses - 1));
}

// posterior: columns of lifting + kMirror bits, the last kMirror the same as the first, so that a vector may begin anywhere.
// messages: of this row, kMirror checks at a time, edge by edge, so that they are read as they lie.
inline HARIS_TARGET void row_of_checks(const QuasiCyclic& code, std::size_t row, const std::int16_t* syndrome,
                                       const Lanes::Tables& tables, std::int16_t* posterior, std::int8_t* messages) {
    const std::size_t lifting = code.lifting, first = static_cast<std::size_t>(code.start[row]);
    const std::size_t degree = static_cast<std::size_t>(code.start[row + 1]) - first;
    Lanes::Vector told[kMaxDegree];
    std::int16_t *place[kMaxDegree], *end[kMaxDegree];
    for (std::size_t e = 0; e < degree; ++e) {
        std::int16_t* bits = posterior + static_cast<std::size_t>(code.column[first + e]) * (lifting + kMirror);
        place[e] = bits + code.shift[first + e];
        end[e] = bits + lifting;
    }
    for (std::size_t z = 0; z < lifting; z += Lanes::width) {
        std::int8_t* message_of = messages + z / kMirror * kMirror * degree + z % kMirror;
        Lanes::Vector sum = Lanes::all(0), weakest = Lanes::all(kClasses - 1), sign = Lanes::load(syndrome + z);
        for (std::size_t e = 0; e < degree; ++e) {
            __builtin_prefetch(place[e] + 2 * Lanes::width);
            const Lanes::Vector before = Lanes::load_octets(message_of + e * kMirror);
            const Lanes::Vector v = Lanes::subtract(Lanes::load(place[e]), before);
            const Lanes::Vector c = class_of(v);
            told[e] = v;
            sign = Lanes::exclusive_or(sign, v);
            weakest = Lanes::min(weakest, c);
            sum = Lanes::add_saturated(sum, tables.weight(c));
        }
        const Lanes::Vector others = Lanes::subtract_saturated(sum, tables.weight(weakest));
        const Lanes::Vector to_most = tables.level(sum), to_weakest = tables.level(others);
        for (std::size_t e = 0; e < degree; ++e) {
            const Lanes::Vector v = told[e];
            const Lanes::Vector size = Lanes::where_equal(class_of(v), weakest, to_weakest, to_most);
            const Lanes::Vector message = Lanes::negate_where(size, Lanes::exclusive_or(v, sign));
            std::int16_t* bits = place[e];
            Lanes::store(bits, Lanes::add(v, message));
            bits += Lanes::width;
            place[e] = bits < end[e] ? bits : bits - lifting;
            Lanes::store_octets(message_of + e * kMirror, message);
        }
    }
    for (std::size_t e = 0; e < degree; ++e) {  // the vector that began near the end has written into the mirror
        std::int16_t* bits = end[e] - lifting;
        const std::size_t written = static_cast<std::size_t>(code.shift[first + e]) % Lanes::width;
        Lanes::store_first(bits, Lanes::load(end[e]), written);
        for (std::size_t i = 0; i < kMirror; i += Lanes::width) Lanes::store(end[e] + i, Lanes::load(bits + i));
    }
}

// Whether the signs of posterior have the syndrome.
inline HARIS_TARGET bool satisfied(const QuasiCyclic& code, const std::int16_t* syndrome,
                                   const std::int16_t* posterior) {
    for (std::size_t row = 0; row < code.rows; ++row) {
        for (std::size_t z = 0; z < code.lifting; z += Lanes::width) {
            Lanes::Vector parity = Lanes::load(syndrome + row * code.lifting + z);
            for (std::int32_t e = code.start[row]; e < code.start[row + 1]; ++e) {
                std::size_t at = static_cast<std::size_t>(code.shift[e]) + z;
                at -= at >= code.lifting ? code.lifting : 0;
                const auto column = static_cast<std::size_t>(code.column[e]) * (code.lifting + kMirror);
                parity = Lanes::exclusive_or(parity, Lanes::load(posterior + column + at));
            }
            if (Lanes::any_negative(parity)) return false;
        }
    }
    return true;
}

inline HARIS_TARGET int decode(const QuasiCyclic& code, const std::int16_t* syndrome, const std::uint16_t* weight,
                               const std::int16_t* level, std::int16_t* posterior, std::int8_t* messages,
                               int iterations) {
    const Lanes::Tables tables(weight, level);
    for (int done = 0;; ++done) {
        if (satisfied(code, syndrome, posterior)) return done;
        if (done == iterations) return -1;
        for (std::size_t row = 0; row < code.rows; ++row)
            row_of_checks(code, row, syndrome + row * code.lifting, tables, posterior,
                          messages + static_cast<std::size_t>(code.start[row]) * code.lifting);
    }
}
