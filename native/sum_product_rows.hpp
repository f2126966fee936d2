// One row of checks. Included once for each instruction set, within its namespace, where HARIS_TARGET names the set for
// the compiler, which makes vectors of the loops over kLanes.
//
// A check tells each of its bits 2 artanh of the product of tanh(v / 2) over the others: exact, as codes with a few bits
// of very high degree beside many of degree 1 need it (Richardson, Urbanke, Modern Coding Theory, 2.5.2).

// tanh(v / 2) for |v| up to kMost, within 2e-7; what is not a number counts as kMost. e^-|v| is 2^-k (1 - f) with f by a polynomial.
inline HARIS_TARGET float tanh_half(float v) {
    const float size = std::min(kMost, std::fabs(v));
    const float power = size * -1.44269504F;
    const float whole = (power + kRound) - kRound, part = (power - whole) * 0.693147181F;
    float e = 1.3981999507e-3F;
    e = e * part + 8.3334519073e-3F;
    e = e * part + 4.1665795894e-2F;
    e = e * part + 1.6666665459e-1F;
    e = e * part + 5.0000001201e-1F;
    e = e * part * part + part + 1.0F;
    const auto scale = std::bit_cast<float>((static_cast<std::int32_t>(whole) + 127) << 23);
    const float x = e * scale;
    return std::copysign((1.0F - x) / (1.0F + x), v);
}

// 2 artanh(p), |p| < 1: ln of (1 + |p|) / (1 - |p|), whose mantissa is taken between sqrt(1/2) and sqrt(2).
inline HARIS_TARGET float artanh_twice(float p) {
    const float size = std::min(kSurest, std::fabs(p));
    const float ratio = (1.0F + size) / (1.0F - size);
    const auto bits = std::bit_cast<std::int32_t>(ratio) - kRootHalf;
    const auto exponent = static_cast<float>(bits >> 23);
    const float m = std::bit_cast<float>((bits & 0x007FFFFF) + kRootHalf) - 1.0F, square = m * m;
    float y = 7.0376836292e-2F;
    y = y * m - 1.1514610310e-1F;
    y = y * m + 1.1676998740e-1F;
    y = y * m - 1.2420140846e-1F;
    y = y * m + 1.4249322787e-1F;
    y = y * m - 1.6668057665e-1F;
    y = y * m + 2.0000714765e-1F;
    y = y * m - 2.4999993993e-1F;
    y = y * m + 3.3333331174e-1F;
    y = y * m * square - 0.5F * square + m + exponent * 0.693147181F;
    return std::copysign(y, p);
}

// told[edge][z]: in, what each bit has heard from elsewhere; out, the same with what this check tells added.
// sure[z]: tanh of half the leaf's belief, or 1, with the sign of the syndrome.
inline HARIS_TARGET void row_of_checks(std::size_t degree, std::size_t lifting, const float* sure, float* told,
                                       float* messages) {
    float t[kMaxDegree][kLanes], after[kMaxDegree + 1][kLanes], before[kLanes];
    for (std::size_t z = 0; z < lifting; z += kLanes) {
        for (std::size_t e = 0; e < degree; ++e)
            for (std::size_t i = 0; i < kLanes; ++i) t[e][i] = tanh_half(told[e * lifting + z + i]);
        for (std::size_t i = 0; i < kLanes; ++i) after[degree][i] = 1.0F;
        for (std::size_t e = degree; e-- > 1;)
            for (std::size_t i = 0; i < kLanes; ++i) after[e][i] = after[e + 1][i] * t[e][i];
        for (std::size_t i = 0; i < kLanes; ++i) before[i] = sure[z + i];
        for (std::size_t e = 0; e < degree; ++e) {
            float* const message = messages + e * lifting + z;
            float* const belief = told + e * lifting + z;
            for (std::size_t i = 0; i < kLanes; ++i) {
                const float news = artanh_twice(before[i] * after[e + 1][i]);
                before[i] *= t[e][i];
                message[i] = news;
                belief[i] += news;
            }
        }
    }
}

inline HARIS_TARGET void tanh_halves(const float* v, std::size_t count, float* t) {
    for (std::size_t i = 0; i < count; ++i) t[i] = tanh_half(v[i]);
}
