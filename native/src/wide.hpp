// Passes over long rows of numbers, written so that a compiler makes vector instructions of them. Knows nothing of
// sampling. All results are the same on every machine: no fused multiplications, sums in a fixed order.
#pragma once

#include <cstddef>

namespace samovar {

// How many neighbours share one maximum: see block_maxima.
constexpr std::size_t BLOCK = 64;

constexpr std::size_t blocks_of(std::size_t count) { return (count + BLOCK - 1) / BLOCK; }

// The greatest of each BLOCK values, the last block may be shorter. False if any value is NaN.
bool block_maxima(const float* values, std::size_t count, float* maxima);

// The greatest of count >= 1 values, none of them NaN.
float maximum(const float* values, std::size_t count);

// weights[i] = exp(values[i] - top), where no value is above top; their sum is returned.
double weigh(const float* values, std::size_t count, float top, float* weights);

struct Surprise {
    double sum;  // of w = exp(value - top)
    double dot;  // of w * (value - top)
};

Surprise surprise(const float* values, std::size_t count, float top);

// The standard deviation of the values that are not negative infinity.
double deviation(const float* values, std::size_t count);

// total[i] += values[i]
void add_to(float* total, const float* values, std::size_t count);

}  // namespace samovar
