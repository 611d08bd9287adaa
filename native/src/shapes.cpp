#include "shapes.hpp"

#include <algorithm>
#include <cmath>

namespace samovar {
namespace {

// Logits below the top of candidates that are in order, as probabilities in work().masses.
std::vector<double>& probabilities(Candidates& candidates) {
    auto& masses = candidates.work().masses;
    masses.resize(candidates.size());
    const float top = candidates.top();
    double sum = 0;
    for (std::size_t i = 0; i < masses.size(); ++i)
        sum += masses[i] = std::exp(static_cast<double>(candidates[i] - top));
    for (double& mass : masses) mass /= sum;
    return masses;
}

void heat(Candidates& candidates, double temperature) {
    constexpr double COLDEST = 1e-5;
    if (temperature < COLDEST) return candidates.best(1);
    const float top = candidates.top();
    const auto scale = static_cast<float>(1 / temperature);
    candidates.map([=](float logit, std::size_t) { return (logit - top) * scale; }, true);
}

}  // namespace

void top_k(Candidates& candidates, const Settings& set, Moment&) {
    candidates.best(static_cast<std::size_t>(set.numbers[0]));
}

void top_p(Candidates& candidates, const Settings& set, Moment&) {
    constexpr std::size_t FIRST_HEAD = 128, GROWTH = 8;
    const double enough = set.numbers[0] * candidates.weigh();
    const auto& weights = candidates.work().weights;
    double mass = 0;
    if (candidates.ordered()) {
        std::size_t kept = 0;
        do mass += weights[kept++];
        while (mass < enough && kept < candidates.size());
        return candidates.best(kept);
    }
    for (std::size_t size = FIRST_HEAD;; size *= GROWTH, mass = 0) {
        candidates.sort_best(size);
        std::size_t kept = 0;
        for (std::uint64_t key : candidates.work().keys) {
            mass += weights[place_of(key)];
            ++kept;
            if (mass >= enough) break;
        }
        if (mass >= enough || kept == candidates.size()) return candidates.take_sorted(kept);
    }
}

void min_p(Candidates& candidates, const Settings& set, Moment&) {
    candidates.at_least(candidates.top() + static_cast<float>(std::log(set.numbers[0])));
}

void top_a(Candidates& candidates, const Settings& set, Moment&) {
    candidates.at_least(candidates.top() + std::log(set.numbers[0]) - candidates.log_sum());
}

void top_n_sigma(Candidates& candidates, const Settings& set, Moment&) {
    const double spread = deviation(candidates.logits(), candidates.size());
    candidates.at_least(candidates.top() - set.numbers[0] * spread);
}

void epsilon_cutoff(Candidates& candidates, const Settings& set, Moment&) {
    candidates.at_least(candidates.top() + candidates.log_sum() + std::log(set.numbers[0]));
}

void eta_cutoff(Candidates& candidates, const Settings& set, Moment&) {
    const double epsilon = std::log(set.numbers[0]);
    const double floor = std::min(epsilon, epsilon / 2 - candidates.entropy());
    candidates.at_least(candidates.top() + candidates.log_sum() + floor);
}

void tfs(Candidates& candidates, const Settings& set, Moment&) {
    candidates.in_order();
    auto& bends = probabilities(candidates);
    double total = 0;
    for (std::size_t i = 0; i + 2 < bends.size(); ++i)
        total += bends[i] = std::abs((bends[i + 2] - bends[i + 1]) - (bends[i + 1] - bends[i]));
    if (!(total > 0)) return;
    std::size_t kept = 1;
    double sum = 0;
    for (std::size_t i = 0; i + 2 < bends.size(); ++i, ++kept)
        if ((sum += bends[i]) / total > set.numbers[0]) break;
    candidates.best(kept);
}

void typical_p(Candidates& candidates, const Settings& set, Moment&) {
    constexpr std::size_t FIRST_HEAD = 128, GROWTH = 8;
    const std::size_t count = candidates.size();
    const double norm = candidates.top() + candidates.log_sum(), expected = candidates.entropy();
    auto& ranks = candidates.work().ranks;
    ranks.resize(count);
    for (std::size_t i = 0; i < count; ++i)
        ranks[i] = {std::abs(norm - candidates[i] - expected), static_cast<std::uint32_t>(i)};
    std::size_t kept = 0;
    double mass = 0;
    for (std::size_t head = std::min(FIRST_HEAD, count);; head = std::min(head * GROWTH, count), kept = 0, mass = 0) {
        const auto end = ranks.begin() + static_cast<std::ptrdiff_t>(head);
        if (head < count) std::nth_element(ranks.begin(), end, ranks.end());
        std::sort(ranks.begin(), end);
        while (mass <= set.numbers[0] && kept < head) mass += std::exp(candidates[ranks[kept++].place] - norm);
        if (mass > set.numbers[0] || head == count) break;
    }
    auto& places = candidates.work().places;
    places.clear();
    for (std::size_t i = 0; i < kept; ++i) places.push_back(ranks[i].place);
    std::sort(places.begin(), places.end());
    candidates.take_places();
}

void xtc(Candidates& candidates, const Settings& set, Moment& moment) {
    const double threshold = set.numbers[1];
    if (moment.chance >= set.numbers[0] || threshold > 0.5) return;
    const double floor = candidates.top() + candidates.log_sum() + std::log(threshold);
    auto& likely = candidates.work().places;
    likely.clear();
    for (std::size_t i = 0; i < candidates.size(); ++i)
        if (candidates[i] >= floor && candidates[i] > IMPOSSIBLE) likely.push_back(static_cast<std::uint32_t>(i));
    if (likely.size() < 2) return;
    const auto spared = std::min_element(likely.rbegin(), likely.rend(), [&](std::uint32_t a, std::uint32_t b) {
        return candidates[a] < candidates[b];
    });
    likely.erase(std::next(spared).base());
    candidates.without();
}

void temperature(Candidates& candidates, const Settings& set, Moment&) { heat(candidates, set.numbers[0]); }

void dynamic_temperature(Candidates& candidates, const Settings& set, Moment&) {
    const std::size_t count = candidates.possible();
    if (count < 2) return;
    const double low = set.numbers[0], high = set.numbers[1];
    const double certainty = std::clamp(candidates.entropy() / std::log(static_cast<double>(count)), 0.0, 1.0);
    heat(candidates, low + (high - low) * std::pow(certainty, set.numbers[2]));
}

void quadratic_sampling(Candidates& candidates, const Settings& set, Moment&) {
    const double factor = set.numbers[0], curve = set.numbers[1];
    const auto square = static_cast<float>(factor * (3 - curve) / 2);
    const auto cube = static_cast<float>(factor * (curve - 1) / 2);
    const float top = candidates.top();
    candidates.map(
        [=](float logit, std::size_t) {
            const float below = logit - top;
            return logit == IMPOSSIBLE ? IMPOSSIBLE : below * below * (cube * below - square);
        },
        false);
}

void skew(Candidates& candidates, const Settings& set, Moment&) {
    candidates.in_order();
    auto& masses = probabilities(candidates);
    const double power = std::exp(set.numbers[0]);
    double sum = 0;
    candidates.map(
        [&](float, std::size_t place) {
            sum += masses[place];
            const double share = -std::expm1(power * std::log1p(-masses[place] / sum));
            return static_cast<float>(power * std::log(sum) + std::log(share));
        },
        false);
}

}  // namespace samovar
