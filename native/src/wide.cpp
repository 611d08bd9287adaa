#include "wide.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

// Each pass is compiled twice, and the loader takes the one that fits the processor it runs on.
#if defined(__x86_64__) && defined(__ELF__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif

namespace samovar {
namespace {

constexpr std::size_t LANES = 16;
constexpr float LOWEST = -87.0f;  // e^-87 is the last power that float32 holds with all its digits

inline double total(const double (&lanes)[LANES]) {
    double sum = 0;
    for (double lane : lanes) sum += lane;
    return sum;
}

// A whole number that is ordered as the floats are: compilers vectorise its maximum, but not that of floats, which may
// be NaN. `odd` becomes true if this one is.
inline std::int32_t rank(float value, std::int32_t& odd) {
    std::int32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    odd |= (bits & 0x7FFFFFFF) > 0x7F800000;
    return bits ^ ((bits >> 31) & 0x7FFFFFFF);
}

inline float unrank(std::int32_t rank) {
    const std::int32_t bits = rank ^ ((rank >> 31) & 0x7FFFFFFF);
    float value;
    std::memcpy(&value, &bits, sizeof bits);
    return value;
}

inline float greater(float a, float b) { return a > b ? a : b; }

// e^x for x <= 0, at most 2 units in the last place off; 0 below LOWEST.
// x = n ln 2 + r; e^r by the polynomial of Cephes' expf (Moshier 1989), 2^n by its exponent bits.
inline float power(float x) {
    constexpr float ROUND = 12582912.0f;  // 1.5 * 2^23: adding it rounds to a whole number
    const float held = greater(x, LOWEST);
    const float n = (held * 1.44269504088896341f + ROUND) - ROUND;
    const float r = held - n * 0.693359375f - n * -2.12194440e-4f;
    float y = 1.9875691500e-4f;
    y = y * r + 1.3981999507e-3f;
    y = y * r + 8.3334519073e-3f;
    y = y * r + 4.1665795894e-2f;
    y = y * r + 1.6666665459e-1f;
    y = y * r + 5.0000001201e-1f;
    y = y * (r * r) + r + 1.0f;
    const std::int32_t bits = (static_cast<std::int32_t>(n) + 127) * (1 << 23);
    float two_to_n;
    std::memcpy(&two_to_n, &bits, sizeof bits);
    return x < LOWEST ? 0.0f : y * two_to_n;
}

}  // namespace

WIDE bool block_maxima(const float* values, std::size_t count, float* maxima) {
    std::int32_t odd = 0;
    for (std::size_t start = 0; start < count; start += BLOCK) {
        std::int32_t best = std::numeric_limits<std::int32_t>::min();
        if (start + BLOCK <= count)
            for (std::size_t i = start; i < start + BLOCK; ++i) best = std::max(best, rank(values[i], odd));
        else
            for (std::size_t i = start; i < count; ++i) best = std::max(best, rank(values[i], odd));
        maxima[start / BLOCK] = unrank(best);
    }
    return !odd;
}

WIDE float maximum(const float* values, std::size_t count) {
    std::int32_t odd = 0;
    std::int32_t best = std::numeric_limits<std::int32_t>::min();
    for (std::size_t i = 0; i < count; ++i) best = std::max(best, rank(values[i], odd));
    return unrank(best);
}

WIDE double weigh(const float* values, std::size_t count, float top, float* weights) {
    for (std::size_t i = 0; i < count; ++i) weights[i] = power(values[i] - top);
    double lanes[LANES] = {};
    std::size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (std::size_t j = 0; j < LANES; ++j) lanes[j] += weights[i + j];
    for (; i < count; ++i) lanes[0] += weights[i];
    return total(lanes);
}

WIDE Surprise surprise(const float* values, std::size_t count, float top) {
    double sums[LANES] = {};
    double dots[LANES] = {};
    std::size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (std::size_t j = 0; j < LANES; ++j) {
            const float below = values[i + j] - top;
            const float weight = power(below);
            sums[j] += weight;
            dots[j] += static_cast<double>(weight) * greater(below, LOWEST);
        }
    for (; i < count; ++i) {
        const float below = values[i] - top;
        const float weight = power(below);
        sums[0] += weight;
        dots[0] += static_cast<double>(weight) * greater(below, LOWEST);
    }
    return {total(sums), total(dots)};
}

WIDE double deviation(const float* values, std::size_t count) {
    constexpr float NONE = -std::numeric_limits<float>::infinity();
    std::int32_t possible = 0;
    double sums[LANES] = {};
    for (std::size_t i = 0; i < count; ++i) possible += values[i] > NONE;
    std::size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (std::size_t j = 0; j < LANES; ++j) sums[j] += values[i + j] > NONE ? values[i + j] : 0.0f;
    for (; i < count; ++i) sums[0] += values[i] > NONE ? values[i] : 0.0f;
    const double mean = total(sums) / possible;
    double squares[LANES] = {};
    for (i = 0; i + LANES <= count; i += LANES)
        for (std::size_t j = 0; j < LANES; ++j) {
            const double off = values[i + j] > NONE ? values[i + j] - mean : 0.0;
            squares[j] += off * off;
        }
    for (; i < count; ++i) {
        const double off = values[i] > NONE ? values[i] - mean : 0.0;
        squares[0] += off * off;
    }
    return std::sqrt(total(squares) / possible);
}

WIDE void add_to(float* total, const float* values, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) total[i] += values[i];
}

}  // namespace samovar
