#include "past.hpp"

#include <algorithm>

namespace samovar {

Span Span::last(std::int64_t wanted) const {
    if (wanted < 0 || static_cast<std::size_t>(wanted) >= count) return *this;
    return {data + count - wanted, static_cast<std::size_t>(wanted)};
}

void Tally::clear(std::size_t vocabulary) {
    for (std::int32_t token : tokens_) values_[token] = 0;
    tokens_.clear();
    values_.resize(vocabulary);
}

bool Tally::known(std::int64_t token) {
    if (token < 0 || static_cast<std::size_t>(token) >= values_.size()) return false;
    if (values_[token] == 0) tokens_.push_back(static_cast<std::int32_t>(token));
    return true;
}

void Tally::add(std::int64_t token) {
    if (known(token)) ++values_[token];
}

void Tally::raise_to(std::int64_t token, std::int32_t value) {
    if (known(token)) values_[token] = std::max(values_[token], value);
}

std::size_t count_back(Span ids, std::size_t vocabulary, Tally& tally) {
    tally.clear(vocabulary);
    const std::size_t middle = ids.count / 2;
    for (std::size_t i = ids.count; i-- > middle;) tally.add(ids[i]);
    const std::size_t near = tally.tokens().size();
    for (std::size_t i = middle; i-- > 0;) tally.add(ids[i]);
    return near;
}

void continuations(Span ids, std::size_t least, std::size_t most, std::size_t vocabulary, Tally& longest,
                   std::vector<std::int32_t>& room) {
    longest.clear(vocabulary);
    const std::size_t count = ids.count;
    if (count < 2) return;
    // The Z-algorithm (Main and Lorentz 1984) on the text read backwards: z[i] is how far the end of the text and the
    // place i tokens before it agree. [left, right) is the match that reaches farthest.
    const std::int64_t* end = ids.data + count - 1;
    room.resize(std::max(room.size(), count));
    std::int32_t* z = room.data();
    std::size_t left = 0, right = 0;
    for (std::size_t i = 1; i < count; ++i) {
        std::size_t length = i < right ? std::min(right - i, static_cast<std::size_t>(z[i - left])) : 0;
        if (i + length >= right)
            while (i + length < count && *(end - length) == *(end - i - length)) ++length;
        z[i] = static_cast<std::int32_t>(length);
        if (i + length > right) left = i, right = i + length;
        if (length >= least && length) longest.raise_to(*(end - i + 1), static_cast<std::int32_t>(std::min(length, most)));
    }
}

bool Breakers::is_flat_form(Span flat) {
    if (flat.count < 2 || flat[0] < 0 || 2 + 2 * static_cast<std::size_t>(flat[0]) > flat.count) return false;
    const auto rows = static_cast<std::size_t>(flat[0]);
    const std::int64_t* starts = flat.data + 1 + rows;
    const auto tails = static_cast<std::int64_t>(flat.count - 2 - 2 * rows);
    return starts[0] == 0 && starts[rows] == tails && std::is_sorted(starts, starts + rows + 1) &&
           std::is_sorted(flat.data + 1, flat.data + 1 + rows);
}

std::size_t Breakers::first_row(std::int64_t token) const {
    return static_cast<std::size_t>(std::lower_bound(tokens_, tokens_ + rows_, token) - tokens_);
}

bool Breakers::is_one(std::int64_t token) const {
    for (std::size_t row = first_row(token); row < rows_ && tokens_[row] == token; ++row)
        if (starts_[row] == starts_[row + 1]) return true;
    return false;
}

std::size_t Breakers::since(Span ids, std::size_t most) const {
    constexpr std::size_t LONGEST_TAIL = 20;
    const std::size_t seen = std::min(ids.count, most + LONGEST_TAIL);
    for (std::size_t back = 0; back < seen; ++back) {
        const std::size_t place = ids.count - 1 - back;
        for (std::size_t row = first_row(ids[place]); row < rows_ && tokens_[row] == ids[place]; ++row) {
            const auto length = static_cast<std::size_t>(starts_[row + 1] - starts_[row]);
            const std::int64_t* tail = tails_ + starts_[row];
            if (length <= back && std::equal(tail, tail + length, ids.data + place + 1))
                return std::min(back - length, most);
        }
    }
    return std::min(ids.count, most);
}

}  // namespace samovar
