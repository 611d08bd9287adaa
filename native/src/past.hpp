// What the steps ask of the tokens before the next one: which there are, how often, what came after a repetition.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace samovar {

// A row of numbers that someone else keeps.
struct Span {
    const std::int64_t* data = nullptr;
    std::size_t count = 0;

    std::int64_t operator[](std::size_t index) const { return data[index]; }
    Span last(std::int64_t wanted) const;  // the last `wanted`; all of them if it is negative
};

// A number for each of some tokens, 0 for all others. Found and cleared in time that depends on those only.
class Tally {
public:
    void clear(std::size_t vocabulary);
    bool holds(std::int64_t token) const { return values_[token] != 0; }
    std::int32_t operator[](std::int64_t token) const { return values_[token]; }
    const std::vector<std::int32_t>& tokens() const { return tokens_; }

    // Tokens outside the vocabulary are passed over.
    void add(std::int64_t token);
    void raise_to(std::int64_t token, std::int32_t value);

private:
    bool known(std::int64_t token);

    std::vector<std::int32_t> values_;
    std::vector<std::int32_t> tokens_;
};

// How often each of `ids` is there; its tokens() come in the order in which they are met going back from the end.
// Returns how many different ones the nearer half (the greater one) has: these come first.
std::size_t count_back(Span ids, std::size_t vocabulary, Tally& tally);

// As samovar.sampling.repeats.continuations: for each token that followed an earlier place like the end of `ids`, the
// length of the longest such match, at least `least` and counted up to `most`. `room` is for the work.
void continuations(Span ids, std::size_t least, std::size_t most, std::size_t vocabulary, Tally& longest,
                   std::vector<std::int32_t>& room);

// As samovar.sampling.lexicon.Breakers, over its flat form: the number of rows; each row's first token, rising; where
// each row's tail begins and, at the end, where the last one ends; the tails. Of one token the longer tails are first.
class Breakers {
public:
    explicit Breakers(Span flat)
        : rows_(static_cast<std::size_t>(flat[0])), tokens_(flat.data + 1), starts_(tokens_ + rows_),
          tails_(starts_ + rows_ + 1) {}

    static bool is_flat_form(Span flat);
    bool is_one(std::int64_t token) const;
    std::size_t since(Span ids, std::size_t most) const;

private:
    std::size_t first_row(std::int64_t token) const;

    std::size_t rows_;
    const std::int64_t* tokens_;
    const std::int64_t* starts_;
    const std::int64_t* tails_;
};

}  // namespace samovar
