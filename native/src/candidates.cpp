#include "candidates.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <functional>

namespace samovar {
namespace {

constexpr std::size_t SHORT = 1024;  // up to here a sort by comparison is faster

// A number that sorts rising as logits sort falling, above the place: equal logits stay as they stand.
std::uint64_t key(float logit, std::size_t place) {
    const float number = logit + 0.0f;  // -0 and 0 are one
    std::uint32_t bits;
    std::memcpy(&bits, &number, sizeof bits);
    const std::uint32_t falling = bits & 0x80000000u ? bits : ~bits & 0x7FFFFFFFu;
    return static_cast<std::uint64_t>(falling) << 32 | static_cast<std::uint32_t>(place);
}

// Sorts rising by the upper 32 bits; those with equal ones must stand as their lower ones rise.
void radix_sort(std::vector<std::uint64_t>& keys, std::vector<std::uint64_t>& room) {
    constexpr unsigned BITS = 11;
    constexpr std::uint64_t MASK = (1u << BITS) - 1;
    room.resize(keys.size());
    for (unsigned shift = 32; shift < 64; shift += BITS) {
        std::array<std::uint32_t, MASK + 1> starts{};
        for (std::uint64_t one : keys) ++starts[one >> shift & MASK];
        std::uint32_t sum = 0;
        for (std::uint32_t& start : starts) {
            const std::uint32_t many = start;
            start = sum;
            sum += many;
        }
        for (std::uint64_t one : keys) room[starts[one >> shift & MASK]++] = one;
        keys.swap(room);
    }
}

}  // namespace

Candidates::Candidates(Workspace& work, const float* logits, std::size_t count)
    : work_(work), logits_(logits), count_(count) {}

bool Candidates::begin() {
    const std::size_t blocks = blocks_of(count_);
    work_.maxima.resize(blocks);
    work_.stale.assign(blocks, 0);
    if (work_.logits.size() < count_) {
        work_.logits.resize(count_);
        work_.weights.resize(count_);
        work_.ids.resize(count_);
    }
    return count_ && block_maxima(logits_, count_, work_.maxima.data()) && std::isfinite(top());
}

float* Candidates::own() {
    if (logits_ != work_.logits.data()) {
        std::copy(logits_, logits_ + count_, work_.logits.data());
        logits_ = work_.logits.data();
    }
    return work_.logits.data();
}

void Candidates::changed(bool ordered) {
    ordered_ = ordered;
    top_known_ = false;
    if (whole_) {
        std::fill(work_.stale.begin(), work_.stale.end(), std::uint8_t{1});
        any_stale_ = true;
    }
}

void Candidates::freshen() {
    if (!any_stale_) return;
    for (std::size_t block = 0; block < work_.stale.size(); ++block)
        if (work_.stale[block]) {
            const std::size_t start = block * BLOCK;
            block_maxima(logits_ + start, std::min(BLOCK, count_ - start), &work_.maxima[block]);
            work_.stale[block] = 0;
        }
    any_stale_ = false;
}

float Candidates::top() {
    if (!top_known_) {
        if (whole_) freshen();
        top_ = ordered_ ? logits_[0]
               : whole_ ? maximum(work_.maxima.data(), work_.maxima.size())
                        : maximum(logits_, count_);
        top_known_ = true;
    }
    return top_;
}

double Candidates::weigh() { return samovar::weigh(logits_, count_, top(), work_.weights.data()); }

double Candidates::log_sum() { return std::log(weigh()); }

double Candidates::entropy() {
    const Surprise all = surprise(logits_, count_, top());
    return std::log(all.sum) - all.dot / all.sum;
}

std::size_t Candidates::possible() const {
    return count_ - static_cast<std::size_t>(std::count(logits_, logits_ + count_, IMPOSSIBLE));
}

void Candidates::at_least(double logit) {
    const float floor = std::min(static_cast<float>(logit), top());
    float* logits = work_.logits.data();
    std::int32_t* ids = work_.ids.data();
    std::size_t kept = 0;
    for (std::size_t start = 0; start < count_; start += BLOCK) {
        if (whole_ && work_.maxima[start / BLOCK] < floor) continue;
        for (std::size_t i = start; i < std::min(start + BLOCK, count_); ++i)
            if (logits_[i] >= floor) {
                const std::int32_t id = token(i);
                logits[kept] = logits_[i];
                ids[kept++] = id;
            }
    }
    logits_ = logits;
    ids_ = ids;
    count_ = kept;
    whole_ = false;
}

void Candidates::best(std::size_t count) {
    if (ordered_) {
        count_ = std::min(count_, count);
        return;
    }
    sort_best(count);
    take_sorted(count);
}

void Candidates::sort_best(std::size_t count) {
    gather_hopeful(count);
    auto& keys = work_.keys;
    if (keys.size() > SHORT && count > SHORT) {
        radix_sort(keys, work_.spare_keys);
        keys.resize(std::min(keys.size(), count));
        return;
    }
    if (keys.size() > count) {
        std::nth_element(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(count), keys.end());
        keys.resize(count);
    }
    std::sort(keys.begin(), keys.end());
}

// Keys of a superset of the `count` best. The count-th best maximum of a block is a floor that `count` logits reach and
// few others.
void Candidates::gather_hopeful(std::size_t count) {
    auto& keys = work_.keys;
    keys.clear();
    if (!whole_ || count > work_.maxima.size()) {
        keys.reserve(count_);
        for (std::size_t i = 0; i < count_; ++i) keys.push_back(key(logits_[i], i));
        return;
    }
    freshen();
    auto& maxima = work_.spare;
    maxima.assign(work_.maxima.begin(), work_.maxima.end());
    const auto floor_at = maxima.begin() + static_cast<std::ptrdiff_t>(count - 1);
    std::nth_element(maxima.begin(), floor_at, maxima.end(), std::greater<>());
    const float floor = *floor_at;
    for (std::size_t block = 0; block < work_.maxima.size(); ++block)
        if (work_.maxima[block] >= floor)
            for (std::size_t i = block * BLOCK; i < std::min((block + 1) * BLOCK, count_); ++i)
                if (logits_[i] >= floor) keys.push_back(key(logits_[i], i));
}

void Candidates::take_sorted(std::size_t count) {
    const std::size_t kept = std::min(count, work_.keys.size());
    work_.spare.resize(kept);
    work_.spare_ids.resize(kept);
    for (std::size_t i = 0; i < kept; ++i) {
        const std::uint32_t place = place_of(work_.keys[i]);
        work_.spare[i] = logits_[place];
        work_.spare_ids[i] = token(place);
    }
    std::copy(work_.spare.begin(), work_.spare.end(), work_.logits.begin());
    std::copy(work_.spare_ids.begin(), work_.spare_ids.end(), work_.ids.begin());
    logits_ = work_.logits.data();
    ids_ = work_.ids.data();
    count_ = kept;
    whole_ = false;
    ordered_ = true;
    top_known_ = false;
}

void Candidates::take_places() {
    std::size_t kept = 0;
    for (std::uint32_t place : work_.places) {
        const std::int32_t id = token(place);
        work_.logits[kept] = logits_[place];
        work_.ids[kept++] = id;
    }
    logits_ = work_.logits.data();
    ids_ = work_.ids.data();
    count_ = kept;
    whole_ = false;
    top_known_ = false;
}

void Candidates::change() {
    auto& changes = work_.changes;
    if (changes.empty()) return;
    const bool was_ordered = ordered_;
    const auto swap_all = [&] {
        float* mine = own();
        bool sinks = false;
        for (Change& change : changes) {
            sinks |= change.logit == IMPOSSIBLE;
            std::swap(mine[change.place], change.logit);
            if (whole_) work_.stale[change.place / BLOCK] = 1;
        }
        any_stale_ |= whole_;
        ordered_ = top_known_ = false;
        return sinks;
    };
    if (swap_all() && top() == IMPOSSIBLE) {
        swap_all();
        ordered_ = was_ordered;
    }
}

void Candidates::without() {
    auto& places = work_.places;
    if (places.empty()) return;
    if (whole_) {
        work_.changes.clear();
        for (std::uint32_t place : places) work_.changes.push_back({place, IMPOSSIBLE});
        change();
        return;
    }
    std::vector<std::uint32_t> rest;
    rest.reserve(count_);
    bool possible = false;
    for (std::size_t i = 0, next = 0; i < count_; ++i) {
        if (next < places.size() && places[next] == i) {
            ++next;
        } else {
            rest.push_back(static_cast<std::uint32_t>(i));
            possible |= logits_[i] > IMPOSSIBLE;
        }
    }
    if (!possible) return;
    places.swap(rest);
    take_places();
}

}  // namespace samovar
