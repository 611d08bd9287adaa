// Steps that look at single tokens: bans, biases, penalties for what came before.
#pragma once

#include "steps.hpp"

namespace samovar {

void logit_bias(Candidates&, const Settings&, Moment&);                  // ids: tokens, rising; numbers: their biases
void token_bans(Candidates&, const Settings&, Moment&);                  // ids: tokens, rising
void min_tokens(Candidates&, const Settings&, Moment&);                  // least; ids: end tokens, rising
void encoder_repetition_penalty(Candidates&, const Settings&, Moment&);  // penalty
void repetition_penalty(Candidates&, const Settings&, Moment&);          // range, penalty, slope
void frequency_penalty(Candidates&, const Settings&, Moment&);           // range, penalty
void presence_penalty(Candidates&, const Settings&, Moment&);            // range, penalty
void dry(Candidates&, const Settings&, Moment&);              // range, multiplier, base, allowed; ids: breakers, flat
void no_repeat_ngram(Candidates&, const Settings&, Moment&);  // size

}  // namespace samovar
