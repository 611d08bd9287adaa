#include "chain.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace samovar {
namespace {

const Step& find(const std::string& name) {
    for (const Step& step : steps())
        if (step.name == name) return step;
    throw std::invalid_argument("no step is called " + name);
}

struct Hit {
    std::size_t index;
    double inner;  // how far into it the point lies, 0 to 1
};

// The first of `count` running sums that passes `share` of the last one.
Hit pass(const std::vector<double>& sums, std::size_t count, double share) {
    const double all = sums[count - 1];
    const double target = std::min(share * all, std::nextafter(all, 0.0));
    const auto at = std::upper_bound(sums.begin(), sums.begin() + static_cast<std::ptrdiff_t>(count), target);
    const auto index = std::min(static_cast<std::size_t>(at - sums.begin()), count - 1);
    const double before = index ? sums[index - 1] : 0.0;
    return {index, (target - before) / (sums[index] - before)};
}

// As samovar.sampling.sampler.pick: every stride-th of `count` weights, and where the point lies among them.
Hit pick_short(Workspace& work, const float* weights, std::size_t count, std::size_t stride, double share) {
    work.masses.resize(std::max(work.masses.size(), count));
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) work.masses[i] = sum += weights[i * stride];
    return pass(work.masses, count, share);
}

// A long row is folded into STRIPES rows, summed by columns; only the column that is hit is looked into. A seed's text
// depends on this layout, so it is the same as in numpy.
std::size_t pick(Workspace& work, std::size_t count, double share) {
    constexpr std::size_t STRIPES = 64, SHORT = 2048;
    const float* weights = work.weights.data();
    if (count <= SHORT) return pick_short(work, weights, count, 1, share).index;
    const std::size_t width = count / STRIPES, folded = width * STRIPES;
    work.spare.assign(weights, weights + width);
    for (std::size_t row = 1; row < STRIPES; ++row) add_to(work.spare.data(), weights + row * width, width);
    work.spare.insert(work.spare.end(), weights + folded, weights + count);
    const Hit hit = pick_short(work, work.spare.data(), work.spare.size(), 1, share);
    if (hit.index >= width) return folded + hit.index - width;
    return pick_short(work, weights + hit.index, STRIPES, width, hit.inner).index * width + hit.index;
}

}  // namespace

Chain::Chain(std::size_t vocabulary, std::vector<Instruction> instructions) : vocabulary_(vocabulary) {
    for (Instruction& instruction : instructions) {
        const Step& step = find(instruction.name);
        Settings& settings = instruction.settings;
        const std::size_t wanted = step.numbers == ANY ? settings.ids.size() : step.numbers;
        if (settings.numbers.size() != wanted) throw std::invalid_argument(instruction.name + ": not its numbers");
        if (instruction.name == "dry" ? !Breakers::is_flat_form(settings.span())
                                      : !std::is_sorted(settings.ids.begin(), settings.ids.end()))
            throw std::invalid_argument(instruction.name + ": not its ids");
        steps_.emplace_back(step.apply, std::move(settings));
    }
}

bool Chain::apply(Candidates& candidates, Moment moment) const {
    if (!candidates.begin()) return false;
    moment.vocabulary = vocabulary_;
    for (const auto& [step, settings] : steps_) {
        step(candidates, settings, moment);
        if (!candidates.size()) return false;
    }
    return std::isfinite(candidates.top());
}

std::int64_t Chain::draw(Workspace& work, const float* logits, Moment moment, double share) const {
    Candidates candidates(work, logits, vocabulary_);
    if (!apply(candidates, moment)) return NO_TOKEN;
    if (candidates.size() == 1) return candidates.token(0);
    candidates.weigh();
    return candidates.token(pick(work, candidates.size(), share));
}

}  // namespace samovar
