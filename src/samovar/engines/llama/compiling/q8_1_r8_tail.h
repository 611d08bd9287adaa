// What the kernel for rows of `block_q8_1_r8` leaves out of rows whose width is no multiple of 128: it takes blocks
// of 32 numbers by fours, and the one to three blocks behind the last four lie one by one.

#pragma once

// Products of eight interleaved rows `x` with the row `y`, summed over the blocks [4*(n/4), n), in AVX2.
static inline __m256 q8_1_r8_tail(const block_q8_1_r8 * x, const void * y, int n) {
    const block_q8_2 * blocks = (const block_q8_2 *)y;
    const __m256i ones = _mm256_set1_epi16(1);
    __m256 sum = _mm256_setzero_ps();
    for (int i = 4*(n/4); i < n; ++i) {
        __m256i dot = _mm256_setzero_si256();
        for (int half = 0; half < 2; ++half) {
            const __m128i y16 = _mm_loadu_si128((const __m128i *)blocks[i].qs + half);
            const __m256i y32 = MM256_SET_M128I(y16, y16);
            const __m256i * q = (const __m256i *)x[i].qs + 4*half;
            // Each lane holds four numbers of one row; they are below 32, so that pairs of products fit in 16 bits.
            const __m256i p0 = _mm256_maddubs_epi16(_mm256_loadu_si256(q + 0), _mm256_shuffle_epi32(y32, 0x00));
            const __m256i p1 = _mm256_maddubs_epi16(_mm256_loadu_si256(q + 1), _mm256_shuffle_epi32(y32, 0x55));
            const __m256i p2 = _mm256_maddubs_epi16(_mm256_loadu_si256(q + 2), _mm256_shuffle_epi32(y32, 0xaa));
            const __m256i p3 = _mm256_maddubs_epi16(_mm256_loadu_si256(q + 3), _mm256_shuffle_epi32(y32, 0xff));
            dot = _mm256_add_epi32(dot, _mm256_madd_epi16(ones, _mm256_add_epi16(p0, p1)));
            dot = _mm256_add_epi32(dot, _mm256_madd_epi16(ones, _mm256_add_epi16(p2, p3)));
        }
        const auto scale = ScaleHelperQ8_2::prepare1(blocks + i);  // of y: its step, and step times sum
        const __m256 steps = _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)x[i].d + 0));
        const __m256 least = _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)x[i].d + 1));
        sum = _mm256_fmadd_ps(least, _mm256_set1_ps(scale.second), sum);
        sum = _mm256_fmadd_ps(_mm256_mul_ps(steps, _mm256_set1_ps(scale.first)), _mm256_cvtepi32_ps(dot), sum);
    }
    return sum;
}
