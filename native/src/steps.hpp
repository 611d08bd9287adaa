// The steps, by the names that samovar.sampling.steps has for them. Those files are the reference: each step here
// leaves the same tokens with the same probabilities.
#pragma once

#include <string_view>
#include <vector>

#include "candidates.hpp"

namespace samovar {

// What a request asked of one step. How many numbers there are, and what the ids mean, is the step's affair.
struct Settings {
    std::vector<double> numbers;
    std::vector<std::int64_t> ids;

    Span span() const { return {ids.data(), ids.size()}; }
};

// Where in a text a token is about to be drawn, as samovar.sampling.step.Moment.
struct Moment {
    Span history;
    std::size_t produced = 0;
    double chance = 0;
    std::size_t vocabulary = 0;
    bool counted = false;  // work.seen holds the penalties' range of this history
    std::size_t near = 0;  // as count_back says of it
};

using Apply = void (*)(Candidates&, const Settings&, Moment&);

constexpr std::size_t ANY = static_cast<std::size_t>(-1);

struct Step {
    std::string_view name;
    std::size_t numbers;  // how many it takes, or ANY: one for each id
    Apply apply;
};

const std::vector<Step>& steps();

}  // namespace samovar
