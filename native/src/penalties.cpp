#include "penalties.hpp"

#include <algorithm>
#include <cmath>

namespace samovar {
namespace {

// The tokens in the penalties' range, counted. All three share the range, so it is looked at once a draw.
const Tally& seen(Candidates& candidates, double range, Moment& moment) {
    Tally& tally = candidates.work().seen;
    if (!moment.counted) {
        const Span recent = moment.history.last(static_cast<std::int64_t>(range));
        moment.near = count_back(recent, moment.vocabulary, tally);
        moment.counted = true;
    }
    return tally;
}

// Gives every candidate that `tally` holds the logit lowered(logit, token).
template <typename Lowered>
void change_held(Candidates& candidates, const Tally& tally, Lowered lowered) {
    auto& changes = candidates.work().changes;
    changes.clear();
    candidates.locate(tally, [&](std::uint32_t place, std::int32_t token) {
        changes.push_back({place, lowered(candidates[place], token)});
    });
    candidates.change();
}

void remove_held(Candidates& candidates, const Tally& tally) {
    auto& places = candidates.work().places;
    places.clear();
    candidates.locate(tally, [&](std::uint32_t place, std::int32_t) { places.push_back(place); });
    candidates.without();
}

float divided(float logit, float factor) { return logit > 0 ? logit / factor : logit * factor; }

constexpr double MOST_LOSS = 1e6;

// How many tokens beyond the allowed ones a match may grow before the loss is as large as it can be.
std::size_t growth(double multiplier, double base) {
    if (base == 1.0 || multiplier >= MOST_LOSS) return 0;
    return static_cast<std::size_t>(std::min(std::ceil(std::log(MOST_LOSS / multiplier) / std::log(base)), 1e9));
}

}  // namespace

void logit_bias(Candidates& candidates, const Settings& set, Moment&) {
    auto& changes = candidates.work().changes;
    changes.clear();
    candidates.locate(set.span(), [&](std::uint32_t place, std::size_t which) {
        changes.push_back({place, candidates[place] + static_cast<float>(set.numbers[which])});
    });
    candidates.change();
}

void token_bans(Candidates& candidates, const Settings& set, Moment&) {
    auto& places = candidates.work().places;
    places.clear();
    candidates.locate(set.span(), [&](std::uint32_t place, std::size_t) { places.push_back(place); });
    candidates.without();
}

void min_tokens(Candidates& candidates, const Settings& set, Moment& moment) {
    if (static_cast<double>(moment.produced) < set.numbers[0]) token_bans(candidates, set, moment);
}

void encoder_repetition_penalty(Candidates& candidates, const Settings& set, Moment& moment) {
    Tally& tally = candidates.work().tokens;
    const Span prompt{moment.history.data, moment.history.count - std::min(moment.produced, moment.history.count)};
    count_back(prompt, moment.vocabulary, tally);
    const auto factor = static_cast<float>(set.numbers[0]);
    change_held(candidates, tally,
                [=](float logit, std::int32_t) { return logit > 0 ? logit * factor : logit / factor; });
}

void repetition_penalty(Candidates& candidates, const Settings& set, Moment& moment) {
    constexpr double LEAST = 0.01;
    const Tally& tally = seen(candidates, set.numbers[0], moment);
    const auto near = static_cast<float>(set.numbers[1]);
    const double slope = set.numbers[2];
    if (slope == 1.0) {
        change_held(candidates, tally, [=](float logit, std::int32_t) { return divided(logit, near); });
        return;
    }
    const auto far = static_cast<float>(std::max(1 + (set.numbers[1] - 1) * slope, LEAST));
    Tally& close = candidates.work().tokens;
    close.clear(moment.vocabulary);
    for (std::size_t i = 0; i < moment.near; ++i) close.add(tally.tokens()[i]);
    change_held(candidates, tally, [&](float logit, std::int32_t token) {
        return divided(logit, close.holds(token) ? near : far);
    });
}

void frequency_penalty(Candidates& candidates, const Settings& set, Moment& moment) {
    const Tally& tally = seen(candidates, set.numbers[0], moment);
    const double penalty = set.numbers[1];
    change_held(candidates, tally, [&](float logit, std::int32_t token) {
        return logit - static_cast<float>(tally[token] * penalty);
    });
}

void presence_penalty(Candidates& candidates, const Settings& set, Moment& moment) {
    const auto penalty = static_cast<float>(set.numbers[1]);
    change_held(candidates, seen(candidates, set.numbers[0], moment),
                [=](float logit, std::int32_t) { return logit - penalty; });
}

void dry(Candidates& candidates, const Settings& set, Moment& moment) {
    const double multiplier = set.numbers[1], base = set.numbers[2], allowed = set.numbers[3];
    const Span recent = moment.history.last(static_cast<std::int64_t>(set.numbers[0]));
    const Breakers breakers(set.span());
    const auto least = static_cast<std::size_t>(allowed);
    const std::size_t reach = breakers.since(recent, least + growth(multiplier, base));
    if (reach < least) return;
    Workspace& work = candidates.work();
    continuations(recent, least, reach, moment.vocabulary, work.tokens, work.matches);
    auto& changes = work.changes;
    changes.clear();
    candidates.locate(work.tokens, [&](std::uint32_t place, std::int32_t token) {
        if (breakers.is_one(token)) return;
        const double loss = std::min(multiplier * std::pow(base, work.tokens[token] - allowed), MOST_LOSS);
        changes.push_back({place, candidates[place] - static_cast<float>(loss)});
    });
    candidates.change();
}

void no_repeat_ngram(Candidates& candidates, const Settings& set, Moment& moment) {
    Workspace& work = candidates.work();
    const auto same = static_cast<std::size_t>(set.numbers[0]) - 1;
    if (same) continuations(moment.history, same, same, moment.vocabulary, work.tokens, work.matches);
    else count_back(moment.history, moment.vocabulary, work.tokens);
    remove_held(candidates, work.tokens);
}

}  // namespace samovar
