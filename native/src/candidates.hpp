// The tokens that may still be drawn and their logits: samovar.sampling.candidates, in place.
//
// A row begins as a look at the engine's memory, which is never written to; it is copied when a step changes it. As
// long as it is the whole vocabulary, the maximum of every BLOCK of it is known, so that finding the best few, or all
// above a floor, looks into few blocks only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "past.hpp"
#include "wide.hpp"

namespace samovar {

constexpr float IMPOSSIBLE = -std::numeric_limits<float>::infinity();

struct Change {
    std::uint32_t place;
    float logit;
};

struct Rank {
    double distance;
    std::uint32_t place;

    bool operator<(const Rank& other) const {
        return distance != other.distance ? distance < other.distance : place < other.place;
    }
};

// Of a key in work().keys, see sort_best.
inline std::uint32_t place_of(std::uint64_t key) { return static_cast<std::uint32_t>(key); }

// The memory of one thread's draws. What is in it means nothing between two draws.
struct Workspace {
    std::vector<float> logits, weights, maxima, spare;
    std::vector<std::int32_t> ids, spare_ids, matches;
    std::vector<std::uint8_t> stale;
    std::vector<std::uint64_t> keys, spare_keys;
    std::vector<double> masses;
    std::vector<Change> changes;
    std::vector<std::uint32_t> places;
    std::vector<Rank> ranks;
    Tally seen, tokens;
};

class Candidates {
public:
    Candidates(Workspace& work, const float* logits, std::size_t count);

    // Whether a token can be drawn: no NaN, no positive infinity, something possible. Asked once, before all else.
    bool begin();

    std::size_t size() const { return count_; }
    bool ordered() const { return ordered_; }
    float operator[](std::size_t place) const { return logits_[place]; }
    const float* logits() const { return logits_; }
    std::int32_t token(std::size_t place) const { return whole_ ? static_cast<std::int32_t>(place) : ids_[place]; }
    Workspace& work() { return work_; }

    float top();
    double weigh();      // fills work().weights with exp(logit - top); returns their sum
    double log_sum();    // ln of that sum
    double entropy();    // in nats
    std::size_t possible() const;

    // Whichever of them `logit` reaches; the best ones in any case.
    void at_least(double logit);
    // The `count` best in order; of equal logits those that stand first.
    void best(std::size_t count);
    void in_order() { best(count_); }
    // `best` in two: fills work().keys, best first, with the places of as many; then takes the first `count` of them.
    void sort_best(std::size_t count);
    void take_sorted(std::size_t count);
    // Those at the rising places in work().places.
    void take_places();
    // As work().changes says, or not at all if that would leave nothing possible.
    void change();
    // Those that are not at work().places (rising, unless this is the whole vocabulary); all if none would be possible.
    void without();

    // Calls found(place, index) for each of the rising `ids` that is a candidate.
    template <typename Found>
    void locate(Span ids, Found found) const;
    // Calls found(place, token) for each candidate that `tally` holds.
    template <typename Found>
    void locate(const Tally& tally, Found found) const;
    // Gives every candidate the logit map(logit, place), which orders them anew unless `rising`.
    template <typename Map>
    void map(Map map, bool rising);

private:
    float* own();
    void freshen();
    void changed(bool ordered);
    void gather_hopeful(std::size_t count);

    Workspace& work_;
    const float* logits_;
    const std::int32_t* ids_ = nullptr;
    std::size_t count_;
    bool whole_ = true;
    bool ordered_ = false;
    bool any_stale_ = false;
    bool top_known_ = false;
    float top_ = IMPOSSIBLE;
};

template <typename Found>
void Candidates::locate(Span ids, Found found) const {
    if (whole_) {
        for (std::size_t i = 0; i < ids.count && ids[i] < static_cast<std::int64_t>(count_); ++i)
            if (ids[i] >= 0) found(static_cast<std::uint32_t>(ids[i]), i);
        return;
    }
    for (std::size_t place = 0; place < count_; ++place) {
        std::size_t low = 0, high = ids.count;
        while (low < high) {
            const std::size_t middle = (low + high) / 2;
            if (ids[middle] < ids_[place]) low = middle + 1;
            else high = middle;
        }
        if (low < ids.count && ids[low] == ids_[place]) found(static_cast<std::uint32_t>(place), low);
    }
}

template <typename Found>
void Candidates::locate(const Tally& tally, Found found) const {
    if (whole_) {
        for (std::int32_t token : tally.tokens()) found(static_cast<std::uint32_t>(token), token);
        return;
    }
    for (std::size_t place = 0; place < count_; ++place)
        if (tally.holds(ids_[place])) found(static_cast<std::uint32_t>(place), ids_[place]);
}

template <typename Map>
void Candidates::map(Map map, bool rising) {
    float* mine = own();
    for (std::size_t i = 0; i < count_; ++i) mine[i] = map(mine[i], i);
    changed(ordered_ && rising);
}

}  // namespace samovar
