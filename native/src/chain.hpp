// A request's chain: its steps with their settings, and the draw at its end.
#pragma once

#include <string>
#include <utility>

#include "steps.hpp"

namespace samovar {

constexpr std::int64_t NO_TOKEN = -1;

class Chain {
public:
    struct Instruction {
        std::string name;
        Settings settings;
    };

    // Throws std::invalid_argument for a step that is not known, or settings that it does not take.
    Chain(std::size_t vocabulary, std::vector<Instruction> instructions);

    std::size_t vocabulary() const { return vocabulary_; }

    // What is left of a row of logits, [vocabulary]; false for a row that no token can be drawn from.
    bool apply(Candidates& candidates, Moment moment) const;

    // The token at `share`, 0 <= share < 1, of what is left; NO_TOKEN where apply is false.
    std::int64_t draw(Workspace& work, const float* logits, Moment moment, double share) const;

private:
    std::size_t vocabulary_;
    std::vector<std::pair<Apply, Settings>> steps_;
};

}  // namespace samovar
